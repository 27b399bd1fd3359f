//! Where a world is kept: in memory, or in a file that several processes may share.
use crate::world::World;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The world, and the file that it is in.
#[derive(Debug)]
pub(crate) struct Store {
    world: World,
    file: Option<Shared>,
}

/// A world file. Who holds the lock has the only world there is.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    lock: File,
    /// What the file was when it was last read or written.
    seen: Option<(u64, i64)>,
    /// The serial that it holds.
    serial: u64,
}

impl Store {
    /// Opens a world: that of the file if there is one, else the one given.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub(crate) fn open(path: Option<&Path>, new: World) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self { world: new, file: None }) };
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_added_extension("lock"))?;
        let shared = Shared { path: path.to_owned(), lock, seen: None, serial: new.serial };
        let mut store = Self { world: new, file: Some(shared) };
        store.with(|_| ())?;
        Ok(store)
    }

    /// Works on the world as it is now, and keeps what was changed before it returns.
    ///
    /// # Errors
    /// When the file cannot be read or written; then nothing has changed.
    pub(crate) fn with<T>(&mut self, work: impl FnOnce(&mut World) -> T) -> io::Result<T> {
        let Some(file) = &mut self.file else { return Ok(work(&mut self.world)) };
        file.lock.lock()?;
        let result = (|| {
            if let Some(newer) = file.read()? {
                self.world = newer;
            }
            let result = work(&mut self.world);
            file.write(&self.world)?;
            Ok(result)
        })();
        file.lock.unlock()?;
        result
    }
}

impl Shared {
    /// Returns the world of the file, if somebody else has written it since.
    fn read(&mut self) -> io::Result<Option<World>> {
        let Some(now) = self.look()? else { return Ok(None) };
        if self.seen == Some(now) {
            return Ok(None);
        }
        let world: World = serde_json::from_slice(&fs::read(&self.path)?).map_err(|error| {
            let error = format!("{} is not the world of a sandbox: {error}", self.path.display());
            io::Error::new(io::ErrorKind::InvalidData, error)
        })?;
        (self.seen, self.serial) = (Some(now), world.serial);
        Ok(Some(world))
    }

    /// Writes a world that has changed, whole or not at all.
    fn write(&mut self, world: &World) -> io::Result<()> {
        if self.seen.is_some() && self.serial == world.serial {
            return Ok(());
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        serde_json::to_writer(io::BufWriter::new(&mut new), world)?;
        new.flush()?;
        new.persist(&self.path)?;
        (self.seen, self.serial) = (self.look()?, world.serial);
        Ok(())
    }

    /// Tells one writing of the file from another.
    fn look(&self) -> io::Result<Option<(u64, i64)>> {
        match fs::metadata(&self.path) {
            Ok(file) => Ok(Some((file.ino(), file.mtime_nsec() ^ (file.mtime() << 30)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Key, Object};

    #[test]
    fn two_processes_share_one_world() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let open = || Store::open(Some(&path), World::new(1, 0)).unwrap();
        let (mut one, mut other) = (open(), open());
        let put = |store: &mut Store, id: &str| {
            store.with(|world| world.put(Key::new("k", id), Object::default())).unwrap();
        };
        put(&mut one, "a");
        put(&mut other, "b");
        put(&mut one, "c");
        let ids = |store: &mut Store| {
            store.with(|world| world.of("k").map(|(key, _)| key.id.clone()).collect::<Vec<_>>())
        };
        assert_eq!(ids(&mut other).unwrap(), ["a", "b", "c"]);
        assert_eq!(ids(&mut open()).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_world_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.json");
        fs::write(&path, "{}").unwrap();
        let error = Store::open(Some(&path), World::new(1, 0)).unwrap_err();
        assert!(error.to_string().contains("is not the world of a sandbox"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"{}");
    }
}

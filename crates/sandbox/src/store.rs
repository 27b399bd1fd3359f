//! Where a world is kept: in memory, or in a file that several processes may share.
use crate::world::World;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
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
    /// How the file was when it was last read or written; unknown while there is work on it, and
    /// after work that failed.
    seen: Option<Seen>,
    /// The world as long as there is no file.
    new: World,
}

/// One writing of a world file.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Its number, which the lock file holds.
    generation: u64,
    /// The serial of its world.
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
            .read(true)
            .write(true)
            .open(path.with_added_extension("lock"))?;
        let shared = Shared { path: path.to_owned(), lock, seen: None, new: new.clone() };
        let mut store = Self { world: new, file: Some(shared) };
        store.with(|_| ())?;
        Ok(store)
    }

    /// Works on the world as it is now, and keeps what was changed before it returns. Work that
    /// panics leaves a file as it was, and a world in memory as it had come to by then.
    ///
    /// # Errors
    /// When the file cannot be read or written; then the next work begins from what it holds.
    pub(crate) fn with<T>(&mut self, work: impl FnOnce(&mut World) -> T) -> io::Result<T> {
        let Some(file) = &mut self.file else { return Ok(work(&mut self.world)) };
        let lock = file.lock.try_clone()?;
        let _held = Held::of(&lock)?;
        let generation = file.generation()?;
        let seen = match file.seen.take().filter(|seen| seen.generation == generation) {
            Some(seen) => seen.serial,
            None => match file.read()? {
                Some(newer) => {
                    self.world = newer;
                    self.world.serial
                }
                None => {
                    self.world = file.new.clone();
                    file.write(&self.world, generation)?.serial
                }
            },
        };
        let generation = file.generation()?;
        let result = work(&mut self.world);
        file.seen = Some(match self.world.serial {
            serial if serial == seen => Seen { generation, serial },
            _ => file.write(&self.world, generation)?,
        });
        Ok(result)
    }
}

/// The lock of a world file, which is let go of whatever happens.
struct Held<'a>(&'a File);

impl<'a> Held<'a> {
    fn of(lock: &'a File) -> io::Result<Self> {
        lock.lock()?;
        Ok(Self(lock))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::error!(%error, "the lock of the world cannot be let go of");
        }
    }
}

impl Shared {
    /// Returns how many times the file has been written.
    fn generation(&self) -> io::Result<u64> {
        let mut number = [0; 8];
        match self.lock.read_exact_at(&mut number, 0) {
            Ok(()) => Ok(u64::from_le_bytes(number)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Returns the world of the file, if there is one.
    fn read(&self) -> io::Result<Option<World>> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let world = serde_json::from_slice(&text).map_err(|error| {
            let error = format!("{} is not the world of a sandbox: {error}", self.path.display());
            io::Error::new(io::ErrorKind::InvalidData, error)
        })?;
        Ok(Some(world))
    }

    /// Writes a world, whole or not at all. Its number comes first: others read the file once too
    /// often rather than miss a change.
    fn write(&self, world: &World, generation: u64) -> io::Result<Seen> {
        let generation = generation.wrapping_add(1);
        self.lock.write_all_at(&generation.to_le_bytes(), 0)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        pour(new.as_file_mut(), world)?;
        new.as_file().sync_all()?;
        new.persist(&self.path)?;
        File::open(folder)?.sync_all()?;
        Ok(Seen { generation, serial: world.serial })
    }
}

/// Writes a world to the last byte.
fn pour(to: impl Write, world: &World) -> io::Result<()> {
    let mut buffer = io::BufWriter::new(to);
    serde_json::to_writer(&mut buffer, world)?;
    buffer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Key, Object};

    fn ids(store: &mut Store) -> Vec<String> {
        let ids = |world: &mut World| world.of("k").map(|(key, _)| key.id.clone()).collect();
        store.with(ids).unwrap()
    }

    fn put(world: &mut World, id: &str) {
        world.put(Key::new("k", id), Object::default());
    }

    #[test]
    fn two_processes_share_one_world() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let open = || Store::open(Some(&path), World::new(1, 0)).unwrap();
        let (mut one, mut other) = (open(), open());
        one.with(|world| put(world, "a")).unwrap();
        other.with(|world| put(world, "b")).unwrap();
        one.with(|world| put(world, "c")).unwrap();
        assert_eq!(ids(&mut other), ["a", "b", "c"]);
        assert_eq!(ids(&mut open()), ["a", "b", "c"]);
    }

    #[test]
    fn a_file_that_looks_the_same_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let open = || Store::open(Some(&path), World::new(1, 0)).unwrap();
        let (mut one, mut other) = (open(), open());
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        other.with(|world| put(world, "a")).unwrap();
        let written = fs::read(&path).unwrap();
        fs::write(&path, written).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(ids(&mut one), ["a"]);
    }

    #[test]
    fn what_was_a_moment_ago_is_shared_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let open = || Store::open(Some(&path), World::new(1, 1_000)).unwrap();
        let (mut one, mut other) = (open(), open());
        one.with(|world| {
            put(world, "a");
            world.now = 2_000;
        })
        .unwrap();
        let key = Key::new("k", "a");
        let then = |world: &mut World| world.at(500).get(world, &key).is_some();
        assert_eq!(ids(&mut other), ["a"]);
        assert!(!other.with(then).unwrap());
    }

    #[test]
    fn whoever_only_asks_moves_the_time_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let mut store = Store::open(Some(&path), World::new(1, 0)).unwrap();
        store.with(|world| put(world, "a")).unwrap();
        store.with(|world| world.advance(90_000, |_, _, _| ())).unwrap();
        let mut kept: World = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        kept.now = store.world.now;
        let told = |world: &World| serde_json::to_value(world).unwrap();
        assert_eq!(told(&kept), told(&store.world));
    }

    #[test]
    fn work_that_panics_changes_no_file_and_lets_go_of_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let open = || Store::open(Some(&path), World::new(1, 0)).unwrap();
        let (mut one, mut other) = (open(), open());
        one.with(|world| put(world, "a")).unwrap();
        let work = std::panic::AssertUnwindSafe(|| {
            one.with(|world| {
                put(world, "half");
                panic!("it goes wrong");
            })
        });
        assert!(std::panic::catch_unwind(work).is_err());
        assert!(other.file.as_ref().unwrap().lock.try_lock().is_ok(), "nobody holds it");
        other.file.as_ref().unwrap().lock.unlock().unwrap();
        assert_eq!(ids(&mut one), ["a"]);
        assert_eq!(ids(&mut other), ["a"]);
    }

    #[test]
    fn what_cannot_be_written_has_not_happened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sandbox.json");
        let mut store = Store::open(Some(&path), World::new(1, 0)).unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(store.with(|world| put(world, "a")).is_err());
        fs::create_dir(folder.path()).unwrap();
        assert_eq!(ids(&mut store), [""; 0]);
    }

    #[test]
    fn the_last_bytes_must_be_written_too() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = pour(Full, &World::new(1, 0)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn what_is_no_world_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.json");
        for (text, why) in [
            ("{}", "is not the world of a sandbox: missing field `format`"),
            (r#"{"format":"provision.sandbox/v2"}"#, "unknown variant `provision.sandbox/v2`"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Store::open(Some(&path), World::new(1, 0)).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
        }
    }
}

//! A folder whose cluster is in the simulated cloud within the program.
use crate::folder::Folder;
use crate::judge::Calls;
use crate::served::RECORD;
use std::ops::Deref;

/// A folder for rehearsals. Whatever the cloud was called and replied is judged in the end.
pub(crate) struct Rehearsal {
    folder: Folder,
    _calls: Calls,
}

impl Rehearsal {
    /// Makes a folder with a cluster file.
    pub(crate) fn of(file: &str) -> Self {
        let (mut folder, calls) = (Folder::embedded(file), Calls::new());
        folder.set(RECORD, calls.path().to_str().expect("the path is text"));
        Self { folder, _calls: calls }
    }
}

impl Deref for Rehearsal {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

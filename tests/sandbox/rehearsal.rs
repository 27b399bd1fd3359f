//! A folder whose cluster is in the simulated cloud within the program.
use crate::folder::Folder;
use crate::judge;
use crate::served::RECORD;
use std::ops::Deref;
use tempfile::NamedTempFile;

/// A folder for rehearsals. Whatever the cloud was called and replied is judged in the end.
pub(crate) struct Rehearsal {
    folder: Folder,
    calls: NamedTempFile,
}

impl Rehearsal {
    /// Makes a folder with a cluster file.
    pub(crate) fn of(file: &str) -> Self {
        let (mut folder, calls) = (Folder::embedded(file), NamedTempFile::new());
        let calls = calls.expect("a file can be made");
        folder.set(RECORD, calls.path().to_str().expect("the path is text"));
        Self { folder, calls }
    }
}

impl Deref for Rehearsal {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        judge::require(&std::fs::read_to_string(&self.calls).expect("it can be read"));
    }
}

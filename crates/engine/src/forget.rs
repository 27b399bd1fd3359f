//! Takes an object off the record and leaves it in the cloud, without our marks.
use crate::calls::Engine;
use crate::journal::Journal;
use provision_core::{Address, Change, Diff, Entry, Error, Marks, Owner, Record, Result, resolve};
use serde_json::{Map, Value};

impl Engine<'_> {
    /// Removes our marks from the object at `address` and forgets it. An object that is not
    /// there any more, or not ours, is only forgotten.
    ///
    /// # Errors
    /// [`Kind::Invalid`](provision_core::Kind::Invalid) when nothing is on record there; else what the cloud answered, and the
    /// object stays on record.
    pub async fn forget(&self, journal: &Journal, address: &Address) -> Result<()> {
        let record = journal.with(|state| state.get(address).cloned());
        let nothing = || Error::invalid(format!("nothing is on record at {address}"));
        let record = record.ok_or_else(nothing)?;
        let children = journal.with(|state| state.within(address).cloned().collect::<Vec<_>>());
        if let Some(child) = children.first() {
            let what = format!("{child} is within {address}, and would be forgotten with it");
            return Err(Error::invalid(what));
        }
        let driver = self.driver(&record.kind)?;
        let spec = resolved(journal, &record);
        let parent = match record.within.as_ref().map(|parent| self.parent(journal, parent)) {
            Some(parent) => parent.await?,
            None => None,
        };
        let at = self.at(address, parent.as_ref());
        let read = async || driver.read(at, &spec, record.outputs.as_ref()).await;
        let live = self.ask(None, read).await.map_err(Error::from)?;
        let live = live.filter(|live| live.owner == Owner::Ours);
        if let (Some(live), Some(field)) = (live, driver.meta().tags_field()) {
            let unmarked = without_marks(field, &live.spec[field]);
            journal.record(&Entry::Updating { address: address.clone(), sets: Map::new() }).await?;
            let spec = live.spec.clone();
            self.call(driver.update(at, &spec, live, &unmarked)).await?;
        }
        journal.record(&Entry::Gone { address: address.clone() }).await.map(drop)
    }

    /// Returns what something is within, as it is now.
    async fn parent(&self, journal: &Journal, address: &Address) -> Result<Option<Value>> {
        let Some(record) = journal.with(|state| state.get(address).cloned()) else {
            return Ok(None);
        };
        let (driver, spec) = (self.driver(&record.kind)?, resolved(journal, &record));
        let read =
            async || driver.read(self.at(address, None), &spec, record.outputs.as_ref()).await;
        let live = self.ask(None, read).await.map_err(Error::from)?;
        Ok(live.map(|live| live.outputs).or(record.outputs.clone()))
    }
}

fn resolved(journal: &Journal, record: &Record) -> Value {
    journal.with(|state| resolve(&record.spec, &|from, output| state.output(from, output)))
}

fn without_marks(field: &str, tags: &Value) -> Diff {
    let marks = tags.as_object().into_iter().flatten().filter(|(key, _)| Marks::is_mark(key));
    let from: Map<_, _> = marks.map(|(key, value)| (key.clone(), value.clone())).collect();
    let to: Map<_, _> = from.keys().map(|key| (key.clone(), Value::Null)).collect();
    Diff(vec![Change { field: field.to_owned(), from: from.into(), to: to.into() }])
}

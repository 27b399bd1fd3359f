//! The faults that befall a request before it takes hold.
use super::status::Status;
use crate::faults::Effect;

/// Tells whether an effect means anything to requests inside a cluster, whose reads do not lag and of
/// whose objects there may be any number.
pub(crate) fn means(effect: Effect) -> bool {
    !matches!(effect, Effect::Capacity | Effect::Quota | Effect::Stale)
}

/// Returns the error of a request that a fault befalls before it takes hold; `None` where it befalls it
/// later.
pub(super) fn refused(effect: Effect) -> Option<Status> {
    Some(match effect {
        Effect::Throttle => {
            let message = "Too many requests, please try again later.";
            Status::new(429, "TooManyRequests", message)
        }
        Effect::ErrorBefore => internal(),
        Effect::Expired => Status::unauthorized(),
        Effect::Denied => {
            Status::new(403, "Forbidden", "forbidden: the sandbox was told to refuse")
        }
        _ => return None,
    })
}

/// Returns the error that says that something went wrong within the API.
pub(super) fn internal() -> Status {
    let message = "Internal error occurred: the sandbox was told to fail";
    Status::new(500, "InternalError", message)
}

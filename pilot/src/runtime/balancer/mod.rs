//! In and out of an ALB target group: finds the own target, registers it, keeps it there, takes it out.
//!
//! Callers say what they want and never wait; every call to AWS has a deadline and bounded retries. An API that is away,
//! denies or throttles never harms the job: it is said once, and tried again slowly. Decides nothing about the job's life.

mod error;
mod keeper;
mod sdk_http;
mod sdk_settings;
mod target;
mod target_group;

pub use error::Error;
pub use keeper::{Balancer, DEPARTURE, Departure, News};
pub use target::{TargetId, Task};
pub use target_group::{State, TargetGroup};

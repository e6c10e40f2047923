//! From a file and the environment to a [`Plan`](crate::core::plan::Plan): render, parse, validate.
//!
//! Every mistake becomes a diagnostic with its place and its remedy, all of them at once. This room starts nothing,
//! connects to nothing and knows nothing of the runtime.

pub mod template;

//! From a commit to an image in a registry: names, recipes, the push, Jenkins.
//!
//! What is below `slow` compiles in containers and takes minutes: `make test-images`.

mod drop_in;
mod first_deployment;
mod images;
mod jenkins;
mod push;
mod slow;
mod tags;

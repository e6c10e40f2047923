//! Tests that get the machine for themselves.

mod random_stops;

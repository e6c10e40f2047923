//! The words: what a person reads, to the letter.

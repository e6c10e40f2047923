//! Children: start them, signal their groups, reap every one, tell how each ended.

//! Lines: pilot's own and its children's, in v3's three formats, written without ever holding up the supervisor.

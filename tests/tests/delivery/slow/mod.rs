//! What takes minutes, because it compiles in containers: `make test-images`.

mod images;

//! The `control` block (v3 spec 8): where the control socket is, and what may be asked over it.

use std::path::PathBuf;

use crate::core::plan::{Control, DEFAULT_SOCKET};

use super::weak::Field;

pub(super) const KEYS: &[&str] = &["socket", "putenv"];

/// Reads the block, which may be absent.
pub(super) fn read(field: Option<Field<'_>>) -> Control {
    let block = field.and_then(|field| field.block(KEYS, &[]));
    let block = block.as_ref();
    let path = block.and_then(|block| block.get("socket")).and_then(|field| {
        let path = field.text()?;
        if path.is_empty() {
            field.error("is empty", format!("write the path of a unix socket, or leave it out for {DEFAULT_SOCKET}"));
        }
        Some(path)
    });
    Control {
        configured: path.is_some(),
        socket: PathBuf::from(path.unwrap_or_else(|| DEFAULT_SOCKET.into())),
        putenv: block.and_then(|block| block.get("putenv")).and_then(|field| field.flag()).unwrap_or(true),
    }
}

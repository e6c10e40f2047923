//! `limits` of a job's process: setrlimit(2) by its usual names. An addition to v3.

use pilot_core::plan::{Limit, Resource, UNLIMITED};

use super::block::Block;
use super::keys;
use super::loose::Field;
use super::value::Kind;

/// Reads the block; the order is the kernel's names'.
pub(super) fn read(field: &Field<'_>) -> Vec<Limit> {
    let Some(block) = field.block(&keys::LIMITS) else { return Vec::new() };
    let given = Resource::ALL.iter().filter_map(|(name, resource)| Some((*resource, block.get(name)?)));
    given.filter_map(|(resource, field)| limit(resource, &field)).collect()
}

fn limit(resource: Resource, field: &Field<'_>) -> Option<Limit> {
    if !matches!(field.value.kind, Kind::Object(_)) {
        let both = bound(field)?;
        return Some(Limit { resource, soft: Some(both), hard: Some(both) });
    }
    let block = field.block(&keys::LIMIT)?;
    let one = |block: &Block<'_>, key| block.get(key).and_then(|field| bound(&field));
    let (soft, hard) = (one(&block, "soft"), one(&block, "hard"));
    match (soft, hard) {
        (Some(soft), Some(hard)) if soft > hard => {
            field.error("has a soft limit above the hard one", "make `hard` at least as high as `soft`");
        }
        (None, None) if block.get("soft").is_none() && block.get("hard").is_none() => {
            field.error("names no limit", "write a number, \"unlimited\", or { soft: 1024, hard: 4096 }");
        }
        (None, None) | (Some(_), _) | (_, Some(_)) => {}
    }
    Some(Limit { resource, soft, hard })
}

/// A whole number from 0, or `"unlimited"`.
fn bound(field: &Field<'_>) -> Option<u64> {
    if matches!(&field.value.kind, Kind::Text(text) if text.eq_ignore_ascii_case("unlimited")) {
        return Some(UNLIMITED);
    }
    // -0 is a number as well, and its text has a sign.
    if field.value.kind == Kind::Number(0.0) {
        return Some(0);
    }
    let read = field.value.weak_text().and_then(|text| text.parse().ok()).filter(|bound| *bound != UNLIMITED);
    if read.is_none() {
        let remedy = "write a number (bytes, seconds or how many, as in setrlimit(2)) or \"unlimited\"";
        field.error(format!("must be a whole number from 0 or \"unlimited\", not {}", field.value.shape()), remedy);
    }
    read
}

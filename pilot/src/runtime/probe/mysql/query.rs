//! One statement that is answered with one row, by the text protocol.
//!
//! The number of columns is known before: another one is a fault, and nothing is ever counted up to a number of the peer's.

use super::fault::Fault;
use super::fields::Fields;
use super::packet::Packets;

const COM_QUERY: u8 = 3;
/// The first byte of "no more columns" and "no more rows", in a packet of less than nine bytes.
const END: u8 = 0xfe;

/// The values of the only row; NULL is `None`.
pub(super) async fn one_row<const N: usize>(packets: &mut Packets, sql: &str) -> Result<[Option<String>; N], Fault> {
    packets.begin();
    packets.write(&[&[COM_QUERY], sql.as_bytes()].concat()).await?;
    columns(packets.read().await?, N)?;
    for _ in 0..N {
        if is_end(packets.read().await?) {
            return Err(Fault::strange("an answer with too few columns"));
        }
    }
    if !is_end(packets.read().await?) {
        return Err(Fault::strange("an answer with too many columns"));
    }
    let row = packets.read().await?;
    if is_end(row) {
        return Err(Fault::strange("an answer without a row"));
    }
    let row = values(row)?;
    if !is_end(packets.read().await?) {
        return Err(Fault::strange("an answer with more than one row"));
    }
    Ok(row)
}

fn columns(packet: &[u8], wanted: usize) -> Result<(), Fault> {
    let mut fields = Fields::of(packet);
    match fields.number()? {
        Some(count) if usize::try_from(count) == Ok(wanted) && fields.is_empty() => Ok(()),
        // It asks for a file of ours.
        None => Err(Fault::strange("an answer that is none")),
        Some(count) => Err(Fault::strange(format!("an answer of {count} columns instead of {wanted}"))),
    }
}

fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END) && packet.len() < 9
}

fn values<const N: usize>(row: &[u8]) -> Result<[Option<String>; N], Fault> {
    let mut fields = Fields::of(row);
    let mut values = [const { None }; N];
    for value in &mut values {
        *value = fields.value()?.map(|text| String::from_utf8_lossy(text).into_owned());
    }
    if fields.is_empty() { Ok(values) } else { Err(Fault::strange("a row with too many columns")) }
}

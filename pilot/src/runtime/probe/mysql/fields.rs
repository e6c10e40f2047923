//! Takes the fields of one packet apart. What is not there is a fault; nothing is reserved by a number that the packet names.

use super::fault::Fault;

/// The part of a packet that has not been read yet.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(packet: &'a [u8]) -> Self {
        Fields(packet)
    }

    /// Exactly this number of bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    /// Bytes up to a NUL, which is taken as well.
    pub(super) fn text(&mut self) -> Result<&'a [u8], Fault> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(short)?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A "length-encoded integer"; `None` is NULL.
    pub(super) fn number(&mut self) -> Result<Option<u64>, Fault> {
        Ok(Some(match self.byte()? {
            small @ ..=0xfa => small.into(),
            0xfb => return Ok(None),
            0xfc => self.u16()?.into(),
            0xfd => {
                let [a, b, c] = self.array()?;
                u32::from_le_bytes([a, b, c, 0]).into()
            }
            0xfe => u64::from_le_bytes(self.array()?),
            0xff => return Err(Fault::strange("a length that is none")),
        }))
    }

    /// A "length-encoded string"; `None` is NULL.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        let Some(length) = self.number()? else { return Ok(None) };
        self.take(usize::try_from(length).map_err(|_| short())?).map(Some)
    }
}

fn short() -> Fault {
    Fault::strange("a packet that ends too early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_in_turn() {
        let mut fields = Fields::of(b"\x0aname\0\x34\x12rest");
        assert_eq!(fields.byte().unwrap(), 10);
        assert_eq!(fields.text().unwrap(), b"name");
        assert_eq!(fields.u16().unwrap(), 0x1234);
        assert_eq!(fields.take(2).unwrap(), b"re");
        assert_eq!(fields.rest(), b"st");
        assert!(fields.is_empty() && fields.byte().is_err());
    }

    #[test]
    fn lengths_of_each_width_are_read() {
        for (bytes, number) in [
            (&b"\xfa"[..], Some(250)),
            (b"\xfb", None),
            (b"\xfc\x01\x02", Some(0x201)),
            (b"\xfd\x01\x02\x03", Some(0x3_0201)),
            (b"\xfe\xff\xff\xff\xff\0\0\0\0", Some(0xffff_ffff)),
        ] {
            assert_eq!(Fields::of(bytes).number().unwrap(), number, "{bytes:?}");
        }
        assert!(Fields::of(b"\xff").number().is_err());
        assert!(Fields::of(b"").number().is_err());
    }

    #[test]
    fn a_value_longer_than_its_packet_is_a_fault_whatever_length_it_names() {
        assert_eq!(Fields::of(b"\x02ab").value().unwrap(), Some(&b"ab"[..]));
        assert!(Fields::of(b"\x03ab").value().is_err());
        assert!(Fields::of(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffab").value().is_err());
    }
}

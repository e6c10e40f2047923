//! Packets: three bytes of length, one that counts, and the payload.
//!
//! A peer may name lengths up to 16 MiB and join such packets without end. What pilot asks for is answered in some hundred
//! bytes, so a packet over [`LONGEST`] is a fault, and one buffer of that size serves a whole conversation.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::fault::Fault;
use super::fields::Fields;

/// The longest payload that is read, in bytes.
pub(super) const LONGEST: usize = 16 << 10;

/// The first byte of an error packet.
const ERROR: u8 = 0xff;

/// Anything that bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One conversation's packets.
pub(super) struct Packets {
    stream: Box<dyn Stream>,
    /// The number that the next packet carries, whoever sends it.
    next: u8,
    buffer: Vec<u8>,
}

impl Packets {
    pub(super) fn over(stream: Box<dyn Stream>) -> Self {
        Packets { stream, next: 0, buffer: Vec::new() }
    }

    /// The next payload. An error packet of the server's comes back as [`Fault::Server`].
    pub(super) async fn read(&mut self) -> Result<&[u8], Fault> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).await?;
        let [a, b, c, number] = header;
        let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        if length > LONGEST {
            return Err(Fault::strange(format!("a packet of {length} bytes")));
        }
        self.buffer.resize(length, 0);
        self.stream.read_exact(&mut self.buffer).await?;
        // Before the number is looked at: servers that give up on a client in the middle do not always count on.
        if self.buffer.first() == Some(&ERROR) {
            return Err(server_error(&self.buffer));
        }
        if number != self.next {
            return Err(Fault::strange(format!("packet {number} instead of {}", self.next)));
        }
        self.next = number.wrapping_add(1);
        Ok(&self.buffer)
    }

    /// Sends one payload.
    pub(super) async fn write(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let length = u32::try_from(payload.len()).ok().filter(|length| *length < 0xff_ffff);
        let length = length.ok_or_else(|| Fault::strange("a user or database too long to send"))?;
        let [a, b, c, _] = length.to_le_bytes();
        let mut packet = Vec::with_capacity(4 + payload.len());
        packet.extend_from_slice(&[a, b, c, self.next]);
        packet.extend_from_slice(payload);
        self.next = self.next.wrapping_add(1);
        self.stream.write_all(&packet).await?;
        Ok(self.stream.flush().await?)
    }

    /// The numbers begin again: a new command.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// The same conversation through another stream on top of this one.
    pub(super) async fn through<F, S>(self, wrap: impl FnOnce(Box<dyn Stream>) -> F) -> Result<Packets, Fault>
    where
        F: Future<Output = Result<S, Fault>>,
        S: Stream + 'static,
    {
        let Packets { stream, next, buffer } = self;
        Ok(Packets { stream: Box::new(wrap(stream).await?), next, buffer })
    }

    /// Nothing more will be sent.
    pub(super) async fn shut_down(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}

fn server_error(packet: &[u8]) -> Fault {
    let mut fields = Fields::of(packet);
    let (Ok(_), Ok(number)) = (fields.byte(), fields.u16()) else {
        return Fault::strange("an error without a number");
    };
    let text = fields.rest();
    // `#` and five bytes of SQL state, if the server knows already that the client is not twenty years old.
    let text = text.strip_prefix(b"#").and_then(|text| text.get(5..)).unwrap_or(text);
    Fault::Server { number, message: String::from_utf8_lossy(text).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let stream = tokio::io::join(std::io::Cursor::new(bytes.to_vec()), tokio::io::sink());
        Packets::over(Box::new(stream)).read().await.map(<[u8]>::to_vec)
    }

    #[tokio::test]
    async fn a_packet_is_its_payload() {
        assert_eq!(read(b"\x02\0\0\0ab").await.unwrap(), b"ab");
        assert_eq!(read(b"\0\0\0\0").await.unwrap(), b"");
    }

    #[tokio::test]
    async fn one_that_is_cut_miscounted_or_huge_is_a_fault() {
        assert!(matches!(read(b"\x02\0\0\0a").await, Err(Fault::Io(_))));
        assert!(matches!(read(b"\x02\0").await, Err(Fault::Io(_))));
        assert!(matches!(read(b"\x02\0\0\x01ab").await, Err(Fault::Strange(_))));
        assert!(matches!(read(b"\xff\xff\xff\0").await, Err(Fault::Strange(_))));
        assert!(matches!(read(b"\x01\x40\0\0").await, Err(Fault::Strange(_))));
    }

    #[tokio::test]
    async fn the_server_s_error_is_told_with_and_without_an_sql_state() {
        for bytes in [&b"\x0f\0\0\0\xff\x15\x04#28000denied"[..], b"\x09\0\0\x07\xff\x15\x04denied"] {
            match read(bytes).await {
                Err(Fault::Server { number, message }) => assert_eq!((number, message.as_str()), (1045, "denied")),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(read(b"\x02\0\0\0\xff\x15").await, Err(Fault::Strange(_))));
    }
}

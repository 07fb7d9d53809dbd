//! As much of Redis's protocol (RESP 2) as the comparison needs: commands in, replies out, many at once.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection(BufReader<TcpStream>);

/// A reply.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Integer(i64),
    Text(String),
    Nothing,
}

/// Appends a command to what is sent.
pub(super) fn command(out: &mut Vec<u8>, words: &[&str]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

impl Connection {
    pub(super) async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends commands that were put together before.
    pub(super) async fn send(&mut self, commands: &[u8]) -> Result<()> {
        self.0.get_mut().write_all(commands).await
    }

    /// One command and its reply.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<Reply> {
        let mut out = Vec::new();
        command(&mut out, words);
        self.send(&out).await?;
        self.reply().await
    }

    /// The next reply.
    pub(super) async fn reply(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        let line = line.trim_end();
        let wrong = |what: &str| Error::new(ErrorKind::InvalidData, format!("Redis said {what:?}"));
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| wrong(line))?;
        match kind {
            ":" => rest.parse().map(Reply::Integer).map_err(|_| wrong(line)),
            "+" => Ok(Reply::Text(rest.to_owned())),
            "$" if rest == "-1" => Ok(Reply::Nothing),
            "$" => {
                let length: usize = rest.parse().map_err(|_| wrong(line))?;
                let mut text = vec![0; length + 2];
                self.0.read_exact(&mut text).await?;
                text.truncate(length);
                String::from_utf8(text).map(Reply::Text).map_err(|_| wrong("no text"))
            }
            _ => Err(wrong(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn commands_and_replies() {
        let mut out = Vec::new();
        command(&mut out, &["ZREVRANK", "day", "7"]);
        assert_eq!(out, b"*3\r\n$8\r\nZREVRANK\r\n$3\r\nday\r\n$1\r\n7\r\n");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b":12\r\n+OK\r\n$-1\r\n$5\r\na\r\nbc\r\n-ERR no\r\n").await.unwrap();
        });
        let mut connection = Connection::open(port).await.unwrap();
        assert_eq!(connection.reply().await.unwrap(), Reply::Integer(12));
        assert_eq!(connection.reply().await.unwrap(), Reply::Text("OK".to_owned()));
        assert_eq!(connection.reply().await.unwrap(), Reply::Nothing);
        assert_eq!(connection.reply().await.unwrap(), Reply::Text("a\r\nbc".to_owned()));
        assert!(connection.reply().await.is_err());
        server.await.unwrap();
    }
}

//! The archive on a server that speaks S3 (moto). Skipped, loudly, when it is not installed: `scripts/setup-tests`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use highwater_archive::{Archive, ArchiveError, ArchiveSettings};

use super::fixture::{append, holds, range, settings, spec};

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// A server with an empty bucket.
    fn start() -> Option<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")), PathBuf::from);
        let program = target.join("test-tools/bin/moto_server");
        if !program.exists() {
            eprintln!("\n!! SKIPPED: the archive on S3; run scripts/setup-tests first\n");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, port };
        while !server.answers("PUT /bucket HTTP/1.1") {
            assert!(server.process.try_wait().unwrap().is_none(), "the S3 server ended");
            std::thread::yield_now();
        }
        Some(server)
    }

    fn answers(&self, request: &str) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let head = "Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\nAuthorization: AWS test:test";
        stream.write_all(format!("{request}\r\n{head}\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    }

    fn settings(&self, root: &str) -> ArchiveSettings {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let options = [
            ("access_key_id", "test"),
            ("secret_access_key", "test"),
            ("region", "us-east-1"),
            ("endpoint", endpoint.as_str()),
            ("allow_http", "true"),
        ];
        let options: BTreeMap<_, _> = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        ArchiveSettings { options, ..settings(root) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_holds_what_is_written() {
    let Some(server) = Server::start() else { return };
    for root in ["s3://bucket", "s3://bucket/some/prefix"] {
        let archive = Archive::open(server.settings(root)).unwrap();
        let table = archive.table(spec()).await.unwrap();
        let another = archive.table(spec()).await.unwrap();
        append(&table, &[range(0, 0, 100)]).await.unwrap();
        // The second writer meets the commit of the first.
        append(&another, &[range(1, 0, 10)]).await.unwrap();
        let error = append(&table, &[range(1, 0, 10)]).await.unwrap_err();
        assert!(matches!(error, ArchiveError::NotNext { covered: 10, .. }), "{error}");
        append(&table, &[range(0, 100, 120)]).await.unwrap();
        table.compact().await.unwrap();
        holds(&archive, &table, &[(0, 120), (1, 10)]).await;
        table.vacuum(std::time::Duration::ZERO).await.unwrap();
        let again = Archive::open(server.settings(root)).unwrap();
        assert!(again.folders().await.unwrap().contains(&spec().folder));
        holds(&again, &again.table(spec()).await.unwrap(), &[(0, 120), (1, 10)]).await;
        again.remove(&spec().folder).await.unwrap();
        assert!(!again.folders().await.unwrap().contains(&spec().folder));
    }
    let mut wrong = server.settings("s3://bucket");
    wrong.root = "s3://no-such-bucket".into();
    let error = Archive::open(wrong).unwrap().table(spec()).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("rankmysteps/steps"), "{error}");
}

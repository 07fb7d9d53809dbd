//! A process that appends, compacts, rewrites and vacuums a folder, killed again and again: each event is there once.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use highwater_archive::Archive;
use highwater_model::PartitionId;

use super::fixture::{append, holds, range, settings, spec};

const FOLDER: &str = "HIGHWATER_ARCHIVE_KILL_TEST";
const KILLS: u64 = 25;

/// The process that is killed: this test, called again with a folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let archive = Archive::open(settings(&folder)).unwrap();
    let table = archive.table(spec()).await.unwrap();
    for step in 1_u64.. {
        let covered = |partition| table.snapshot().covered_of(PartitionId(partition));
        let ranges: Vec<_> = (0..2).map(|p| range(p, covered(p), covered(p) + 15 + step % 7)).collect();
        println!("step {step}");
        append(&table, &ranges).await.unwrap();
        println!("step {step} appended");
        match step % 8 {
            3 => drop(table.compact().await.unwrap()),
            5 => drop(table.vacuum(Duration::ZERO).await.unwrap()),
            7 => table.rewrite(spec(), &Ok, &|_, _| {}).await.unwrap(),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_leaves_each_event_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut versions = Vec::new();
    for _ in 0..KILLS {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::worker", "--nocapture"])
            .env(FOLDER, root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Somewhere in the work that follows one of its first steps.
        let mut told = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let steps =
            told.by_ref().filter(|line| line.starts_with("step")).take(1 + (random >> 33) as usize % 24).count();
        assert!(steps > 0, "the writer ended by itself");
        (0..(random >> 40) % 4096).for_each(|_| std::thread::yield_now());
        process.kill().unwrap();
        process.wait().unwrap();
        let archive = Archive::open(settings(root)).unwrap();
        let table = archive.table(spec()).await.unwrap();
        let covered: Vec<_> = table.snapshot().covered.iter().map(|(p, next)| (p.0, *next)).collect();
        holds(&archive, &table, &covered).await;
        versions.push(table.snapshot().version);
    }
    assert!(versions.is_sorted() && versions.last() > versions.first(), "{versions:?}");
}

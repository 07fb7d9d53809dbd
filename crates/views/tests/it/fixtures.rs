//! Checkpoints that earlier programs wrote (`tests/fixtures`): they open and give exactly their rows; damaged copies are
//! refused by file and byte, set aside, and what they held is computed again. `UPDATE_FIXTURES=1` writes the fixture of
//! the current format, if there is none yet.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use highwater_model::ObjectId;
use highwater_views::{CheckpointUse, Checkpoints, Dataflow, Restored, ViewsError};
use tempfile::TempDir;

use crate::history::{Event, TickEvents};
use crate::world::{KEYED, STREAM, TABLE, World, schema};

/// Few functions where there are groups: every state of every shard is a section of the file.
const VIEWS: &[&str] = &[
    "SELECT g, count(*) AS n FROM k GROUP BY g",
    "SELECT sum(f) AS t, min(i) AS a FROM k",
    "SELECT k, i FROM s WHERE i > 0",
];

fn event(k: i64, g: &str, i: i64, v: i64) -> Event {
    Event { k, g: Some(g.to_owned()), i: Some(i), f: Some(i as f64 / 4.0), b: Some(i % 2 == 0), v, deleted: None }
}

/// Two ticks: NULLs, newer and older versions, a deleted row.
fn ticks() -> [TickEvents; 2] {
    let nulls = |k| Event { k, g: None, i: None, f: None, b: None, v: 0, deleted: None };
    let gone = |k| Event { deleted: Some(true), ..event(k, "gone", 0, 1) };
    let first = HashMap::from([
        (STREAM, vec![event(0, "a", 5, 0), event(1, "b", -7, 0), event(2, "a", 1, 0), nulls(4)]),
        (KEYED, vec![event(0, "a", 5, 2), event(1, "b", 3, 1), nulls(2)]),
        (TABLE, vec![event(0, "x", 1, 0), event(1, "y", 2, 0)]),
    ]);
    let second = HashMap::from([
        (STREAM, vec![event(5, "c", 9, 0), event(0, "a", 5, 0)]),
        (KEYED, vec![event(0, "older", 99, 1), event(1, "c", 4, 2), event(6, "a", 5, 0)]),
        (TABLE, vec![gone(1), event(7, "z", 3, 0)]),
    ]);
    [first, second]
}

/// The fixture's folder, written first if that is asked for.
fn fixture() -> PathBuf {
    static WRITTEN: Once = Once::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints-1");
    WRITTEN.call_once(|| {
        if !folder.exists() && std::env::var_os("UPDATE_FIXTURES").is_some() {
            write_fixture(&folder);
        }
    });
    folder
}

fn write_fixture(folder: &Path) {
    let (mut checkpoints, _) = Checkpoints::open(folder).unwrap();
    let mut world = World::new(1);
    for sql in VIEWS {
        world.add_view(sql);
    }
    for (number, tick) in ticks().iter().enumerate() {
        world.tick(tick, 2);
        checkpoints.write(&world.flow.save(number == 0).unwrap()).unwrap();
        // The first one after a full one is whole as well: left out, so that the next is what changed.
        drop(world.flow.save(false).unwrap());
    }
    let mut text = format!("offsets {}\n", world.flow.reader().read().offsets);
    for (id, name) in objects() {
        // The visible columns, which for the keyed stream include the system's.
        let sql = name.unwrap_or(if id == KEYED { "SELECT * FROM k" } else { "SELECT * FROM t" });
        writeln!(text, "object {id}: {sql}").unwrap();
        world.batch(sql).iter().for_each(|line| writeln!(text, "{line}").unwrap());
    }
    fs::write(folder.join("rows.txt"), text).unwrap();
}

/// The objects that are saved, views with their SQL.
fn objects() -> Vec<(ObjectId, Option<&'static str>)> {
    let views = (4_u32..).zip(VIEWS).map(|(id, sql)| (ObjectId(id), Some(*sql)));
    [(KEYED, None), (TABLE, None)].into_iter().chain(views).collect()
}

/// What the fixture must give: the offsets, and the rows of each object.
fn expected() -> (String, HashMap<ObjectId, Vec<String>>) {
    let text = fs::read_to_string(fixture().join("rows.txt")).unwrap();
    let mut lines = text.lines();
    let offsets = lines.next().unwrap().strip_prefix("offsets ").unwrap().to_owned();
    let (mut rows, mut id) = (HashMap::<_, Vec<String>>::new(), ObjectId(0));
    for line in lines {
        match line.strip_prefix("object ") {
            Some(object) => id = ObjectId(object.split(':').next().unwrap().parse().unwrap()),
            None => rows.entry(id).or_default().push(line.to_owned()),
        }
    }
    (offsets, rows)
}

fn copied() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files() {
        fs::copy(fixture().join(&file), folder.path().join(&file)).unwrap();
    }
    folder
}

fn files() -> [String; 2] {
    [1, 2].map(|number| format!("{number:012}.checkpoint"))
}

/// A world that goes on from what was restored, and the views that must be computed anew instead.
fn world_of(restored: Restored) -> (World, Vec<ObjectId>) {
    let mut saves: HashMap<_, _> = restored.objects.into_iter().collect();
    let mut world = World::new(1);
    world.flow = Dataflow::new(1).unwrap();
    for id in [KEYED, TABLE] {
        world.flow.restore_keyed(id, &schema(id), id == TABLE, saves.remove(&id).unwrap()).unwrap();
    }
    world.flow.restore_offsets(restored.offsets, restored.times, 1);
    let mut anew = Vec::new();
    for (id, sql) in objects() {
        let Some(sql) = sql else { continue };
        let plan = world.plan(id, "v", sql).unwrap();
        match world.flow.restore_view(plan, saves.remove(&id).unwrap()) {
            Ok(()) => {}
            Err(ViewsError::BadState(why)) if why.contains("plan is another") => anew.push(id),
            Err(error) => panic!("{sql}: {error}"),
        }
    }
    (world, anew)
}

fn check(world: &World, anew: &[ObjectId], what: &str) {
    let (_, rows) = expected();
    for (id, sql) in objects().into_iter().filter(|(id, _)| !anew.contains(id)) {
        assert_eq!(world.live(id), rows[&id], "{what}: object {id} {sql:?}");
    }
}

#[test]
fn the_fixture_gives_exactly_its_rows() {
    let folder = copied();
    let (_, restored) = Checkpoints::open(folder.path()).unwrap();
    assert_eq!(restored.problems, Vec::<String>::new());
    assert_eq!(restored.offsets.to_string(), expected().0);
    let (world, anew) = world_of(restored);
    check(&world, &anew, "as it was saved");
    let reports = Checkpoints::examine(folder.path()).unwrap();
    assert!(reports.iter().all(|report| report.fate == CheckpointUse::Loaded && report.format == Some(1)));
    let full: Vec<bool> = reports.iter().map(|report| report.content.as_ref().unwrap().full).collect();
    assert_eq!(full, [true, false]);
    assert_eq!(reports[1].content.as_ref().unwrap().offsets.to_string(), expected().0);
}

/// Puts other bytes in place of one of the two files. It must be refused and can be set aside; what is left is used.
fn check_damaged(file: usize, bytes: &[u8], what: &str) {
    let folder = copied();
    let path = folder.path().join(&files()[file]);
    fs::write(&path, bytes).unwrap();
    let (_, restored) = Checkpoints::open(folder.path()).unwrap();
    assert!(restored.problems[0].contains(&files()[file]), "{what}: {:?}", restored.problems);
    let reports = Checkpoints::examine(folder.path()).unwrap();
    let CheckpointUse::Refused { position: Some(position), .. } = reports[file].fate else {
        panic!("{what}: {reports:?}")
    };
    assert!(position <= bytes.len() as u64, "{what}");
    if file == 0 {
        assert!(restored.objects.is_empty(), "{what}: a delta alone says nothing");
        assert!(matches!(reports[1].fate, CheckpointUse::Refused { position: None, .. }), "{what}");
    } else {
        assert_eq!(reports[0].fate, CheckpointUse::Loaded, "{what}");
        let (mut world, anew) = world_of(restored);
        let [first, second] = ticks();
        world.past = first.into_iter().collect();
        world.tick(&second, 2);
        check(&world, &anew, what);
    }
    let refused: Vec<PathBuf> =
        reports.into_iter().filter(|report| report.fate != CheckpointUse::Loaded).map(|r| r.path).collect();
    let renamed = Checkpoints::set_aside(&refused).unwrap();
    assert_eq!(fs::read(&renamed[0]).unwrap(), bytes, "{what}");
    let left = Checkpoints::examine(folder.path()).unwrap();
    assert_eq!(left.len(), file, "{what}");
    assert!(left.iter().all(|report| report.fate == CheckpointUse::Loaded), "{what}");
    assert!(Checkpoints::open(folder.path()).unwrap().1.problems.is_empty(), "{what}");
}

#[test]
fn damaged_copies_are_refused_and_set_aside() {
    for file in [0, 1] {
        let whole = fs::read(fixture().join(&files()[file])).unwrap();
        for at in [0, 3, 4, 9, 13, 16, 40, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x21;
            check_damaged(file, &bytes, &format!("file {file}, byte {at}"));
        }
        for length in [0, 1, 4, 8, 15, 16, 100, whole.len() - 1] {
            check_damaged(file, &whole[..length], &format!("file {file}, cut to {length}"));
        }
        check_damaged(file, &[whole.as_slice(), b"more"].concat(), &format!("file {file}, longer"));
    }
}

#[test]
fn a_later_format_is_refused_by_name() {
    let folder = copied();
    let path = folder.path().join(&files()[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4] = 200;
    fs::write(&path, &bytes).unwrap();
    let reports = Checkpoints::examine(folder.path()).unwrap();
    let CheckpointUse::Refused { position: Some(4), reason } = &reports[0].fate else { panic!("{reports:?}") };
    assert!(reports[0].format == Some(200) && reason.contains("format 200"), "{reason}");
    let (_, restored) = Checkpoints::open(folder.path()).unwrap();
    assert!(restored.objects.is_empty() && restored.problems[0].contains("format 200"), "{:?}", restored.problems);
}

#[test]
fn files_set_aside_keep_all_their_names() {
    let folder = copied();
    let path = folder.path().join(&files()[1]);
    for round in 1..4 {
        fs::write(&path, [round]).unwrap();
        let renamed = Checkpoints::set_aside(std::slice::from_ref(&path)).unwrap();
        assert_eq!(fs::read(&renamed[0]).unwrap(), [round]);
    }
    let kept = fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".damaged"));
    assert_eq!(kept.count(), 3);
    assert_eq!(Checkpoints::examine(folder.path()).unwrap().len(), 1);
    assert!(Checkpoints::examine(&folder.path().join("nowhere")).unwrap().is_empty());
}

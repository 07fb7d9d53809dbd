//! A folder of the machine: what is on disk, what crashes leave there, and settings that are wrong.

use std::time::Duration;

use highwater_archive::{Archive, ArchiveSettings};

use super::fixture::{append, holds, range, settings, spec};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_holds_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data/archive");
    let archive = Archive::open(settings(root.to_str().unwrap())).unwrap();
    let table = archive.table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 300)]).await.unwrap();
    append(&table, &[range(0, 300, 310), range(1, 0, 20)]).await.unwrap();
    holds(&archive, &table, &[(0, 310), (1, 20)]).await;
    let url = format!("file://{}", root.display());
    let again = Archive::open(settings(&url)).unwrap();
    assert_eq!(again.folders().await.unwrap(), ["rankmysteps/steps"]);
    holds(&again, &again.table(spec()).await.unwrap(), &[(0, 310), (1, 20)]).await;
    let small = table.compact().await.unwrap().files_removed;
    // What a crash in the middle of a write leaves.
    let staged = root.join("rankmysteps/steps/_date=2024-10-04/part-x.zstd.parquet#1");
    std::fs::create_dir_all(staged.parent().unwrap()).unwrap();
    std::fs::write(&staged, b"torn").unwrap();
    let left = staged.with_file_name("part-left.zstd.parquet");
    std::fs::write(&left, b"no commit names it").unwrap();
    for file in [&staged, &left] {
        std::fs::File::open(file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    let vacuumed = table.vacuum(Duration::ZERO).await.unwrap();
    assert_eq!(vacuumed.files, small + 2);
    assert!(!staged.exists() && !left.exists());
    holds(&archive, &table, &[(0, 310), (1, 20)]).await;
    archive.remove("rankmysteps/steps").await.unwrap();
    assert!(!root.join("rankmysteps/steps").exists());
    let table = archive.table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 3)]).await.unwrap();
    holds(&archive, &table, &[(0, 3)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_files_are_written_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path().to_str().unwrap());
    settings.target_file_bytes = 64 << 20;
    settings.row_group_rows = 1 << 20;
    let archive = Archive::open(settings).unwrap();
    let mut spec = spec();
    spec.folder = "raw".into();
    let mut fields: Vec<_> = spec.schema.fields().iter().cloned().collect();
    fields.push(std::sync::Arc::new(arrow_schema::Field::new("_raw", arrow_schema::DataType::Binary, true)));
    spec.schema = std::sync::Arc::new(arrow_schema::Schema::new(fields));
    let table = archive.table(spec.clone()).await.unwrap();
    let ranges = [range(0, 0, 60)];
    let batch = super::fixture::rows(&super::fixture::events(&ranges));
    let mut state = 7_u64;
    let raw = arrow_array::BinaryArray::from_iter_values((0..60).map(|_| {
        let bytes = (0..1 << 20).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        });
        bytes.collect::<Vec<u8>>()
    }));
    let mut columns = batch.columns().to_vec();
    columns.push(std::sync::Arc::new(raw));
    let rows = arrow_array::RecordBatch::try_new(spec.schema.clone(), columns).unwrap();
    table.append(vec![rows], &ranges).await.unwrap();
    assert!(table.snapshot().files.iter().any(|file| file.bytes > 12 << 20));
    assert_eq!(super::fixture::events_in(&archive, &table).await[&0].len(), 60);
}

#[test]
fn wrong_settings_name_the_right_ones() {
    let told = |root: &str, options: &[(&str, &str)]| {
        let mut settings = ArchiveSettings::new(root);
        settings.options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Archive::open(settings).map(|_| ()).unwrap_err().to_string()
    };
    assert!(told("", &[]).contains("s3://bucket/prefix"));
    assert!(told("gs://bucket/x", &[]).contains("gs:// is not supported"));
    let folder = tempfile::tempdir().unwrap();
    assert!(told(folder.path().to_str().unwrap(), &[("region", "x")]).contains("takes no options"));
    assert!(told("s3://bucket/x", &[("aws_region", "x")]).contains("write region"));
    assert!(told("s3://bucket/x", &[("endpoint_url", "x")]).contains("write endpoint"));
    assert!(told("s3://bucket/x", &[("colour", "x")]).contains("S3 takes access_key_id"));
    assert!(told("s3://bucket/x", &[("allow_http", "yes")]).contains("write true or false"));
    let secret = [("secret_access_key", "hush"), ("region", "eu-west-1"), ("access_key_id", "me")];
    let mut settings = ArchiveSettings::new("s3://bucket/x");
    settings.options = secret.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert!(!format!("{settings:?}").contains("hush"));
    assert!(Archive::open(settings).is_ok());
}

#[test]
fn any_kind_of_runtime_will_do() {
    use tokio::runtime::{Builder, Handle};
    let work = || async {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(settings(folder.path().to_str().unwrap())).unwrap();
        let table = archive.table(spec()).await.unwrap();
        for first in 0..55 {
            append(&table, &[range(0, first, first + 1)]).await.unwrap();
        }
        table.compact().await.unwrap();
        table.vacuum(Duration::ZERO).await.unwrap();
        holds(&archive, &archive.table(spec()).await.unwrap(), &[(0, 55)]).await;
    };
    Builder::new_current_thread().build().unwrap().block_on(work());
    let many = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    many.block_on(work());
    many.block_on(async { tokio::spawn(work()).await.unwrap() });
    many.block_on(async { tokio::task::spawn_blocking(move || Handle::current().block_on(work())).await.unwrap() });
}

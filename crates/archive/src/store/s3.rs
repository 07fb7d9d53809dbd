//! S3 and what speaks like it. Commits need conditional puts (`If-None-Match: *`), which AWS, MinIO, R2 and Ceph have.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::ArchiveError;

const OPTIONS: &[(&str, AmazonS3ConfigKey)] = &[
    ("access_key_id", AmazonS3ConfigKey::AccessKeyId),
    ("secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
    ("session_token", AmazonS3ConfigKey::Token),
    ("endpoint", AmazonS3ConfigKey::Endpoint),
    ("region", AmazonS3ConfigKey::Region),
    ("virtual_hosted_style_request", AmazonS3ConfigKey::VirtualHostedStyleRequest),
];

/// A bucket, rooted at the path of the URL.
pub(super) fn open(
    root: &str,
    url: &Url,
    options: &BTreeMap<String, String>,
) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
    let bucket = url.host_str().unwrap_or_default();
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_conditional_put(S3ConditionalPut::ETagMatch);
    for (name, value) in options {
        builder = match OPTIONS.iter().find(|(known, _)| known == name) {
            Some((_, key)) => builder.with_config(*key, value),
            None if name == "allow_http" => builder.with_allow_http(boolean(name, value)?),
            None => return Err(unknown(name)),
        };
    }
    let store = builder.build().map_err(|source| ArchiveError::store(root, source))?;
    let prefix = Path::from_url_path(url.path()).map_err(|error| ArchiveError::Setting {
        setting: "root".into(),
        problem: error.to_string(),
        hint: "write s3://bucket/prefix".into(),
    })?;
    Ok(if prefix.as_ref().is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) })
}

fn boolean(name: &str, value: &str) -> Result<bool, ArchiveError> {
    value.parse().map_err(|_| ArchiveError::Setting {
        setting: format!("options.{name}"),
        problem: format!("{value:?} is neither true nor false"),
        hint: "write true or false".into(),
    })
}

fn unknown(name: &str) -> ArchiveError {
    let known: Vec<&str> = OPTIONS.iter().map(|(known, _)| *known).chain(["allow_http"]).collect();
    let bare = name.trim_start_matches("aws_").trim_end_matches("_url").replace('-', "_").to_lowercase();
    let hint = match known.iter().find(|known| **known == bare || known.contains(&*bare) || bare.contains(**known)) {
        Some(meant) => format!("write {meant}"),
        None => format!("S3 takes {}", known.join(", ")),
    };
    ArchiveError::Setting { setting: format!("options.{name}"), problem: "there is no such option".into(), hint }
}

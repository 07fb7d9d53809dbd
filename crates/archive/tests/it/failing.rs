//! A store that dies: after some operations it fails that one and all that follow, as for a process that was killed. The
//! last one may have been done all the same, or not.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// Fails at some operation, and at all that follow unless it recovers.
#[derive(Clone, Debug)]
pub struct FailingStore {
    inner: Arc<dyn ObjectStore>,
    left: Arc<AtomicI64>,
    /// Whether the operation that fails is done before it fails.
    done_all_the_same: bool,
    /// Whether operations after the one that failed are well again.
    recovers: bool,
}

impl FailingStore {
    pub fn new(inner: Arc<dyn ObjectStore>, done_all_the_same: bool, recovers: bool) -> Self {
        Self { inner, left: Arc::new(AtomicI64::new(i64::MAX)), done_all_the_same, recovers }
    }

    /// Fails after so many operations from now on.
    pub fn fail_after(&self, operations: i64) {
        self.left.store(operations, Ordering::SeqCst);
    }

    /// Whether it has failed.
    pub fn failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// Counts an operation: whether it is to be done, and whether it is to be reported as done.
    fn step(&self) -> (bool, bool) {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        let well = left > 0 || (left < 0 && self.recovers);
        (well || (left == 0 && self.done_all_the_same), well)
    }

    fn check(&self) -> Result<()> {
        if self.step().1 { Ok(()) } else { Err(dead()) }
    }
}

fn dead() -> Error {
    Error::Generic { store: "failing", source: "it died".into() }
}

impl fmt::Display for FailingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failing {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FailingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let (done, told) = self.step();
        let result = if done { self.inner.put_opts(location, payload, opts).await } else { Err(dead()) };
        if told { result } else { Err(dead()) }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.check()?;
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FailingUpload { upload, store: self.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.check()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let each = locations.then(move |location| {
            let store = store.clone();
            async move {
                let location = location?;
                let (done, told) = store.step();
                if done {
                    object_store::ObjectStoreExt::delete(store.inner.as_ref(), &location).await?;
                }
                if told { Ok(location) } else { Err(dead()) }
            }
        });
        each.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check()?;
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FailingUpload {
    upload: Box<dyn MultipartUpload>,
    store: FailingStore,
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.store.check() {
            Ok(()) => self.upload.put_part(data),
            Err(error) => async { Err(error) }.boxed(),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (done, told) = self.store.step();
        let result = if done { self.upload.complete().await } else { Err(dead()) };
        if told { result } else { Err(dead()) }
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.check()?;
        self.upload.abort().await
    }
}

//! All events as Delta Lake tables on an object store.

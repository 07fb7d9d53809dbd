//! From bytes to properties: unfolding, characters, parameters, and the tree of components.

mod component;
mod lines;
mod property;

pub(crate) use component::{Component, read_components};
pub(crate) use property::Property;

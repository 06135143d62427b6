//! Which GPUs a job gets.
//!
//! [`Pool`] counts the GPUs of each pool and forgets which they are: what most published simulators do. [`Packed`] knows every node
//! and its place on the fabric, packs small jobs on the fullest node that has room, and keeps large ones below one leaf or in one pod
//! where it can.

mod map;
mod packed;
mod pool;

pub use map::{Atom, Map};
pub use packed::Packed;
pub use pool::Pool;

use serde::Serialize;

use super::{Demand, Moment};

/// How places are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Count GPUs; which ones does not matter
    Pool,
    /// Small jobs on the fullest node with room, large ones on whole nodes
    Node,
    /// The same, large jobs below one leaf switch where they fit
    Leaf,
    /// The same, then in one pod
    Pod,
    /// The same, small jobs inside one scale-up (NVLink) domain of a node
    Domain,
}

/// GPUs that a job holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// How many.
    pub gpus: u32,
    /// Where, in order; pools when GPUs are only counted, else atoms of the [`Map`].
    pub slots: Slots,
}

/// Places and the GPUs held in each. One place, by far the most common, takes no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Slots {
    /// None.
    #[default]
    None,
    /// One place.
    One(Slot),
    /// Several.
    Many(Box<[Slot]>),
}

/// GPUs of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// A pool or an atom.
    pub at: u32,
    /// GPUs of it.
    pub gpus: u32,
}

impl Slots {
    /// The places.
    #[must_use]
    pub fn as_slice(&self) -> &[Slot] {
        match self {
            Self::None => &[],
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }
}

impl Allocation {
    /// The GPUs of these places.
    #[must_use]
    pub fn new(slots: Vec<Slot>) -> Self {
        let gpus = slots.iter().map(|slot| slot.gpus).sum();
        let slots = match slots.as_slice() {
            [] => Slots::None,
            [one] => Slots::One(*one),
            _ => Slots::Many(slots.into_boxed_slice()),
        };
        Self { gpus, slots }
    }
}

/// A job that asks for GPUs.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Its number.
    pub job: u32,
    /// Where.
    pub demand: &'a Demand,
    /// How many: between the fewest and the most of the demand.
    pub gpus: u32,
    /// From when: now.
    pub from: Moment,
    /// Until when it expects to hold them.
    pub until: Moment,
}

/// The GPUs that are free, and the rule by which they are given.
pub trait Placer: Clone + Send + Sync {
    /// Whether so many GPUs can be given now.
    fn fits(&self, ask: &Ask<'_>) -> bool;
    /// Gives so many GPUs, if it can.
    fn take(&mut self, ask: &Ask<'_>) -> Option<Allocation>;
    /// Gives exactly these, if they are free.
    fn hold(&mut self, allocation: &Allocation) -> bool;
    /// Takes GPUs back.
    fn give(&mut self, allocation: &Allocation);
    /// Free GPUs of the pools that a demand may use.
    fn free(&self, demand: &Demand) -> u32;
    /// Takes a node out of use, its GPUs being free. A node may be out for several reasons at once.
    fn down(&mut self, node: u32);
    /// Takes back one reason for a node to be out of use.
    fn up(&mut self, node: u32);
    /// The node of a place; none when GPUs are only counted.
    fn node_of(&self, place: u32) -> Option<u32>;
    /// How many pools there are.
    fn pools(&self) -> usize;
    /// The pool of a place.
    fn pool_of(&self, place: u32) -> u16;
    /// How far apart the places of an allocation are.
    fn spread(&self, allocation: &Allocation) -> Spread;
    /// Whether what is free but cannot be used lies in pieces: the share of free GPUs beyond the largest job that could start.
    fn fragmentation(&self) -> f64;
}

/// How far apart the GPUs of a job are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Below one set of leaf switches, or it is not known.
    #[default]
    Leaf,
    /// In one pod.
    Pod,
    /// In several pods.
    Pods,
}

//! Jobs that come after others: what they make impossible whatever the cluster.

use petgraph::acyclic::Acyclic;
use petgraph::data::Build;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Job, Moment};

/// The dependencies of a portfolio.
#[derive(Debug, Clone)]
pub struct Dag {
    graph: Acyclic<DiGraph<u32, ()>>,
}

impl Dag {
    /// The graph of these jobs.
    ///
    /// # Errors
    /// A job that waits for itself, by way of others or not.
    pub fn new(jobs: &[Job]) -> Result<Self, u32> {
        let mut graph = Acyclic::<DiGraph<u32, ()>>::new();
        let nodes: Vec<NodeIndex> = (0..jobs.len() as u32).map(|job| graph.add_node(job)).collect();
        for (number, job) in (0..).zip(jobs) {
            for before in &job.after {
                if graph.try_update_edge(nodes[*before as usize], nodes[number as usize], ()).is_err() {
                    return Err(number);
                }
            }
        }
        Ok(Self { graph })
    }

    /// The earliest end of every job on a cluster without end, each as fast as it can be: the longest path of arrivals and times.
    #[must_use]
    pub fn earliest(&self, jobs: &[Job]) -> Vec<Moment> {
        let mut ends = vec![Moment::ZERO; jobs.len()];
        for node in self.graph.nodes_iter() {
            let number = self.graph[node] as usize;
            let job = &jobs[number];
            let ready = job.after.iter().map(|before| ends[*before as usize]).fold(job.arrival, Moment::max);
            ends[number] = ready + job.checkpoint.with_writes(job.work);
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(arrival: u64, work: u64, after: &[u32]) -> Job {
        let (arrival, work) = (Moment::from_secs(arrival), Moment::from_secs(work));
        Job { arrival, work, after: after.to_vec(), ..Job::default() }
    }

    #[test]
    fn the_longest_path_is_the_earliest_end() {
        let jobs = [job(5, 10, &[2]), job(0, 3, &[]), job(1, 2, &[1]), job(100, 1, &[0, 1])];
        let ends: Vec<u64> = Dag::new(&jobs).unwrap().earliest(&jobs).iter().map(|end| end.millis() / 1000).collect();
        assert_eq!(ends, [15, 3, 5, 101]);
    }

    #[test]
    fn circles_are_found() {
        assert_eq!(Dag::new(&[job(0, 1, &[1]), job(0, 1, &[0])]).unwrap_err(), 1);
        assert!(Dag::new(&[job(0, 1, &[0])]).is_err());
    }
}

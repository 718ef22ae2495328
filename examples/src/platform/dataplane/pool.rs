//! The worker threads as the handle sees them: what each is told and asked.

use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::worker::{Command, Worker};

/// How long a question to a worker may take before it is given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// All workers. Dropping it stops them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    workers: Vec<Handle>,
}

#[derive(Debug)]
struct Handle {
    commands: Sender<Command>,
    wake: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    /// Starts the worker that `make` makes of its end of the wake-up pipe and its commands.
    pub(super) fn add(
        &mut self,
        make: impl FnOnce(UnixStream, Receiver<Command>) -> Worker,
    ) -> io::Result<()> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let (commands, obeyed) = std::sync::mpsc::channel();
        let worker = make(woken, obeyed);
        let thread = std::thread::Builder::new()
            .name(format!("dataplane{}", self.workers.len()))
            .spawn(move || worker.run())?;
        self.workers.push(Handle {
            commands,
            wake,
            thread: Some(thread),
        });
        Ok(())
    }

    /// The workers' numbers.
    pub(super) fn places(&self) -> Range<usize> {
        0..self.workers.len()
    }

    /// Tells the first worker, which has what is of nobody else.
    pub(super) fn tell_first(&self, command: Command) {
        if let Some(first) = self.workers.first() {
            first.tell(command);
        }
    }

    /// Tells every worker, in their order, what `command` makes.
    pub(super) fn tell_all(&self, mut command: impl FnMut() -> Option<Command>) {
        for worker in &self.workers {
            if let Some(command) = command() {
                worker.tell(command);
            }
        }
    }

    /// The answers of all workers that still live.
    pub(super) fn ask_all<T>(&self, question: impl Fn(SyncSender<T>) -> Command) -> Vec<T> {
        let workers = self.workers.iter();
        let answers: Vec<Receiver<T>> = workers
            .map(|worker| {
                let (reply, answer) = std::sync::mpsc::sync_channel(1);
                worker.tell(question(reply));
                answer
            })
            .collect();
        let answers = answers.into_iter();
        answers
            .filter_map(|answer| answer.recv_timeout(ANSWER_TIMEOUT).ok())
            .collect()
    }
}

impl Handle {
    fn tell(&self, command: Command) {
        // A worker that has stopped obeys no more; its event said so.
        if self.commands.send(command).is_ok() {
            // A full pipe wakes the worker as well.
            let _ = (&self.wake).write(&[1]);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.tell_all(|| Some(Command::Stop));
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A panicking worker has printed its message.
                let _ = thread.join();
            }
        }
    }
}

//! The control socket and the show and clear commands.

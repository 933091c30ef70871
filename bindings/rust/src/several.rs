use std::sync::Arc;
use std::task::{Context, Poll};

use crate::pump::{pump, Outcome, Slot};
use crate::sys::{Handle, Symbols};
use crate::{Result, Submission};

/// A call that has several outcomes, of which the last fails. Dropping it ends the call.
pub(crate) struct Several {
    lib: &'static Symbols,
    slot: Arc<Slot>,
    op: Handle,
}

impl Several {
    pub(crate) fn start(submit: impl FnOnce(&Symbols, Submission) -> i32) -> Result<Several> {
        let pump = pump()?;
        let (slot, op) = pump.start(submit)?;
        Ok(Several {
            lib: pump.lib,
            slot,
            op,
        })
    }

    pub(crate) fn poll(&self, context: &Context) -> Poll<Outcome> {
        self.slot.poll(context.waker()).map_or(Poll::Pending, Poll::Ready)
    }

    /// The next outcome, on this thread.
    pub(crate) fn wait(&self) -> Option<Outcome> {
        self.slot.wait(None)
    }
}

impl Drop for Several {
    fn drop(&mut self) {
        // SAFETY: no pointers; an op that has ended is unknown, and that is all.
        unsafe { (self.lib.op_cancel)(self.op) };
    }
}

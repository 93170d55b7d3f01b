//! Several nodes are asked at the same time: one that does not answer costs the time
//! that it may take, however many others do not answer either.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Waits for all of these together; gives what came of each, in their order.
pub async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures
        .into_iter()
        .map(|future| Some(Box::pin(future)))
        .collect();
    let mut outputs: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    // Whoever is woken looks at all of them: there are as many as units.
    poll_fn(|context| {
        for (future, output) in waiting.iter_mut().zip(&mut outputs) {
            if let Some(open) = future
                && let Poll::Ready(value) = Pin::as_mut(open).poll(context)
            {
                *output = Some(value);
                *future = None;
            }
        }
        match waiting.iter().all(Option::is_none) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Waits for two things of different kinds together.
pub async fn both<A: Future, B: Future>(one: A, other: B) -> (A::Output, B::Output) {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    let (mut of_one, mut of_other) = (None, None);
    poll_fn(|context| {
        if of_one.is_none()
            && let Poll::Ready(value) = one.as_mut().poll(context)
        {
            of_one = Some(value);
        }
        if of_other.is_none()
            && let Poll::Ready(value) = other.as_mut().poll(context)
        {
            of_other = Some(value);
        }
        match (of_one.take(), of_other.take()) {
            (Some(one), Some(other)) => Poll::Ready((one, other)),
            (one, other) => {
                (of_one, of_other) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_takes_long_takes_it_once() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let begun = Instant::now();
        let waited = at_once([40_u64, 0, 200, 200].map(|milliseconds| async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            milliseconds
        }));
        assert_eq!(
            runtime.expect("a runtime").block_on(waited),
            [40, 0, 200, 200]
        );
        assert!(begun.elapsed() < Duration::from_millis(390));
    }
}

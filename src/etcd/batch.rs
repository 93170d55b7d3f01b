//! Writes cut to what fits into one transaction.

use etcd_client::TxnOp;

/// Most operations of one transaction: one less than etcd's own default,
/// `--max-txn-ops`, since each transaction may raise the fence as well.
const MAX_OPERATIONS: usize = 127;

/// Most bytes of one transaction, keys and values: two thirds of what etcd takes
/// by default (`--max-request-bytes`, 1.5 MiB), which counts what is around them
/// as well.
const MAX_BYTES: usize = 1024 * 1024;

/// A write, and how many bytes its key and its value have.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) operation: TxnOp,
    pub(super) bytes: usize,
    /// The key that it deletes, if it deletes one.
    pub(super) deletes: Option<String>,
}

impl Operation {
    pub(super) fn put(key: String, value: Vec<u8>) -> Self {
        Self {
            bytes: key.len() + value.len(),
            deletes: None,
            operation: TxnOp::put(key, value, None),
        }
    }

    pub(super) fn delete(key: String) -> Self {
        Self {
            bytes: key.len(),
            deletes: Some(key.clone()),
            operation: TxnOp::delete(key, None),
        }
    }
}

/// Writes of one transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub(super) operations: Vec<TxnOp>,
    /// The keys that they delete.
    pub(super) deleted: Vec<String>,
}

impl Batch {
    fn push(&mut self, write: Operation) {
        self.operations.push(write.operation);
        self.deleted.extend(write.deletes);
    }
}

/// The writes in their order, in as few transactions as hold them. What exceeds
/// the bounds by itself is one of its own, for etcd to judge.
pub(super) fn batches(writes: impl IntoIterator<Item = Operation>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for write in writes {
        bytes += write.bytes;
        match batches.last_mut() {
            Some(batch) if batch.operations.len() < MAX_OPERATIONS && bytes <= MAX_BYTES => {
                batch.push(write);
            }
            _ => {
                bytes = write.bytes;
                let mut batch = Batch::default();
                batch.push(write);
                batches.push(batch);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let writes = sizes
            .into_iter()
            .map(|size| Operation::put(String::new(), vec![0; size]));
        let batches = batches(writes).into_iter();
        batches.map(|batch| batch.operations.len()).collect()
    }

    #[test]
    fn a_transaction_holds_so_many_writes_and_so_many_bytes() {
        assert_eq!(lengths([]), [0; 0]);
        assert_eq!(lengths(vec![1; 127]), [127]);
        assert_eq!(lengths(vec![1; 300]), [127, 127, 46]);
        // A hundred records with certificates as large as are let in.
        assert_eq!(lengths(vec![30_000; 100]), [34, 34, 32]);
        assert_eq!(lengths([1, 2 * MAX_BYTES, 1, 1]), [1, 1, 2]);
        assert_eq!(lengths([MAX_BYTES, 1]), [1, 1]);
    }
}

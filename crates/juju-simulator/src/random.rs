//! The one source of chance in a model, so that a seed repeats a whole story.

/// Marsaglia's xorshift64*, small and good enough for identifiers and orders.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // The golden ratio keeps seed 0, which xorshift cannot leave, away.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % limit.max(1)
    }

    pub(crate) fn choose<T: Clone>(&mut self, items: &[T]) -> Option<T> {
        if items.is_empty() {
            return None;
        }
        let index = self.below(items.len());
        items.get(index).cloned()
    }

    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| char::from(alphabet[self.below(alphabet.len())]))
            .collect()
    }

    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.text(b"0123456789abcdef", length)
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let variant = self.text(b"89ab", 1);
        let [a, b, c, d, e] = [8, 4, 3, 3, 12].map(|length| self.hex(length));
        format!("{a}-{b}-4{c}-{variant}{d}-{e}")
    }

    /// Twenty characters in the form of an xid, which is what Juju takes for secrets.
    pub(crate) fn secret_id(&mut self) -> String {
        let rest = self.text(b"0123456789abcdefghijklmnopqrstuv", 19);
        format!("d{rest}")
    }
}

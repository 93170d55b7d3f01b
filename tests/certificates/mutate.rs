//! Certificates that are nearly right: every small change of a good one.

use super::corpus::recipe::tlv;

/// Changes of one byte, of its presence, or of what stands before it, at every
/// position.
pub(crate) fn bytes(der: &[u8]) -> Vec<Vec<u8>> {
    let mut changed = Vec::new();
    for at in 0..der.len() {
        let with = |byte: u8| [&der[..at], &[byte], &der[at + 1..]].concat();
        changed.extend((0..8).map(|bit| with(der[at] ^ 1 << bit)));
        changed.extend([0x00, 0x30, 0x7f, 0x80, 0xff].map(with));
        changed.push([&der[..at], &der[at + 1..]].concat());
        for byte in [0x00, 0x05, 0x30, 0xff] {
            changed.push([&der[..at], &[byte], &der[at..]].concat());
        }
    }
    changed
}

/// Changes of one element, with all lengths around it made right again: these
/// come further than changes of bytes do.
pub(crate) fn elements(der: &[u8]) -> Vec<Vec<u8>> {
    let tree = parse(der).expect("good DER");
    let mut changed = Vec::new();
    tree.iter().enumerate().for_each(|(at, node)| {
        node.change(&mut |nodes| {
            changed.push(encode(&[&tree[..at], nodes, &tree[at + 1..]].concat()));
        });
    });
    changed
}

#[derive(Clone)]
struct Node {
    tag: u8,
    /// What stands before the elements inside: the unused bits of a bit string.
    lead: Vec<u8>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Bytes(Vec<u8>),
    Nodes(Vec<Node>),
}

impl Node {
    /// Calls `each` with what could stand in the place of this node, for every
    /// change of it or in it.
    fn change(&self, each: &mut dyn FnMut(&[Self])) {
        each(&[]);
        each(&[self.clone(), self.clone()]);
        each(&[self.clone(), Self::of(0x05, Vec::new())]);
        for tag in [
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x18,
        ] {
            each(&[self.tagged(tag)]);
        }
        for tag in [
            0x1e, 0x1f, 0x30, 0x31, 0x80, 0x81, 0x82, 0x86, 0x87, 0xa0, 0xa1, 0xa3,
        ] {
            each(&[self.tagged(tag)]);
        }
        each(&[self.tagged(self.tag ^ 0x20)]);
        match &self.content {
            Content::Nodes(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    node.change(&mut |inner| {
                        let nodes = [&nodes[..at], inner, &nodes[at + 1..]].concat();
                        each(&[self.with(Content::Nodes(nodes))]);
                    });
                    if let Some(next) = nodes.get(at + 1) {
                        let swapped = [
                            &nodes[..at],
                            &[next.clone(), node.clone()],
                            &nodes[at + 2..],
                        ];
                        each(&[self.with(Content::Nodes(swapped.concat()))]);
                    }
                }
            }
            Content::Bytes(bytes) => {
                // Long values are keys and signatures: their ends are enough.
                let positions = (0..bytes.len()).filter(|at| *at < 40 || bytes.len() - at < 8);
                for at in positions {
                    for byte in [
                        bytes[at] ^ 1,
                        bytes[at] ^ 0x80,
                        0x00,
                        0x20,
                        0x2a,
                        0x7f,
                        0xff,
                    ] {
                        let bytes = [&bytes[..at], &[byte], &bytes[at + 1..]].concat();
                        each(&[self.with(Content::Bytes(bytes))]);
                    }
                    let fewer = [&bytes[..at], &bytes[at + 1..]].concat();
                    each(&[self.with(Content::Bytes(fewer))]);
                    let more = [&bytes[..at], &[0x00], &bytes[at..]].concat();
                    each(&[self.with(Content::Bytes(more))]);
                }
                each(&[self.with(Content::Bytes(Vec::new()))]);
                each(&[self.with(Content::Bytes([&bytes[..], &[0x00]].concat()))]);
            }
        }
    }

    fn of(tag: u8, bytes: Vec<u8>) -> Self {
        Self {
            tag,
            lead: Vec::new(),
            content: Content::Bytes(bytes),
        }
    }

    fn tagged(&self, tag: u8) -> Self {
        Self {
            tag,
            ..self.clone()
        }
    }

    fn with(&self, content: Content) -> Self {
        Self {
            content,
            ..self.clone()
        }
    }
}

/// The elements that `der` consists of; those inside of octet and bit strings
/// too, where these hold elements.
fn parse(mut der: &[u8]) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while let [tag, rest @ ..] = der {
        let (length, rest) = match rest {
            [0x81, length, rest @ ..] => (usize::from(*length), rest),
            [0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
            [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let (lead, inside) = match (*tag, content) {
            (0x03, [0, inside @ ..]) => (&content[..1], Some(inside)),
            (0x04, inside) => (&[][..], Some(inside)),
            (tag, inside) if tag & 0x20 != 0 => (&[][..], Some(inside)),
            _ => (&[][..], None),
        };
        let parsed = inside.filter(|inside| !inside.is_empty()).and_then(parse);
        nodes.push(match parsed {
            Some(inner) => Node {
                tag: *tag,
                lead: lead.to_vec(),
                content: Content::Nodes(inner),
            },
            None => Node::of(*tag, content.to_vec()),
        });
        der = after;
    }
    Some(nodes)
}

fn encode(nodes: &[Node]) -> Vec<u8> {
    let encode_one = |node: &Node| {
        let content = match &node.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Nodes(nodes) => encode(nodes),
        };
        tlv(node.tag, &[&node.lead, &content])
    };
    nodes.iter().flat_map(encode_one).collect()
}

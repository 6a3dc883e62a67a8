#!/usr/bin/env python3
"""Verifies one evidence bundle of `audit export` (docs/evidence.md, src/chain/FORMAT.md). Needs only Python 3.8 and its
standard library, and shares no code with the program that wrote it. Prints the result as JSON; with --rows every row.
Exit codes: 0 intact, 1 a divergence was found, 2 usage, 3 could not be checked, 4 nothing to verify, 70 a bug here."""
import argparse, base64, datetime, hashlib, json, re, struct, sys, traceback, uuid, zlib  # noqa: E401

MEMBER, PACKED, SEGMENT, RATIO, CANONICAL = 2**24, 2**21 + 2**16, 2**21, 64, 2**16
MAX_SEQ, ZERO = 2**53 - 1, "0" * 64
REASONS = ["granted", "out_of_scope", "insufficient_relation", "caveat_violation"]
FILTER = {"subject_pseudonym", "relation", "object_type", "object_id", "reason", "correlation_id"}
RANK = ("malformed_row entry_hash_mismatch broken_link seq_gap duplicate_seq object_missing object_malformed "
        "orphan_object head_mismatch unexpected_head").split()
# Keys are names, nesting is shallow, numbers are integers: languages parse other JSON differently.
LINE = re.compile(r' {0,16}(?:"[a-z][a-z0-9_]*": (?:-?[0-9]{1,16}|[a-z]+|"[^\n]*")|(?:"[a-z][a-z0-9_]*": )?(?:[\[{][\]}]?|[\]}])?),?')
ANY, HASH = re.compile(".*", re.DOTALL), re.compile("[0-9a-f]{64}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?")
UUID = re.compile(r"(?![0-]*$)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ROW = re.compile(r'\{"seq":(-?[0-9]{1,16}),"prev_hash":(?:null|"([0-9a-f]{64})"),"entry_hash":(?:null|"([0-9a-f]{64})"),'
                 r'(?:"canonical_bytes":"([A-Za-z0-9+/=]+)"|"problem":"[ !#-\[\]-~]{1,200}")\}')
# A ustar header as an export writes it: a plain file, with only a name, a size and a checksum.
HEADER = re.compile(rb"(?=.{99}\x000000644\x00)([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)\x00+"
                    rb"0000644\x00(?:0000000\x00){2}([0-7]{11})\x0002263523000\x00([0-7]{6})\x00 0\x00{100}"
                    rb"ustar\x0000\x00{64}(?:0000000\x00){2}\x00{167}", re.DOTALL)

Refusal = type("Refusal", (Exception,), {})
def must(is_so, what, status=3, code="bundle_malformed"):
    if not is_so:
        raise Refusal(status, code, what)

class Findings(list):
    """Adds a finding; neighbours with the same code merge into a range."""
    latest = {}
    def add(self, code, first, last, detail, expected=None, observed=None):
        added = dict(code=code, seq_from=first, seq_to=last, expected=expected, observed=observed, detail=detail)
        if (before := self.latest.get(code)) is None or before["seq_from"] > last + 1 or first > before["seq_to"] + 1:
            self.append(added)
            self.latest[code] = added
        else:
            before.update(added if first < before["seq_from"] else {}, seq_to=max(before["seq_to"], last))

def members_of(path):
    """Yields the members of the tar, each complete."""
    with open(path, "rb") as file:
        def read(length):
            data = file.read(length)
            must(len(data) == length, "the file is cut")
            return data
        for block in iter(lambda: read(512), bytes(512)):
            match = HEADER.fullmatch(block)
            is_so = match and sum(block[:148]) + 256 + sum(block[156:]) == int(match[3], 8)
            must(is_so, "a member is not a plain file, or its header is malformed")
            size = int(match[2], 8)
            must(size <= MEMBER, "a member exceeds the size limit")
            content = read(size + -size % 512)
            must(not any(content[size:]), "a member is not padded with zeros")
            yield match[1].decode("ascii"), content[:size]
        must(not any(read(512)) and file.read(1) == b"", "there are bytes after the end of the tar")

def gunzip(data):
    body = data[10:-8]
    whole = len(data) <= PACKED and data[:10].hex() == "1f8b08000000000000ff" and body
    limit, stream, content = min(SEGMENT, len(body) * RATIO), zlib.decompressobj(-15), b""
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error:
        whole = False
    whole = whole and len(content) <= limit and stream.eof and data[-8:] == struct.pack("<II", zlib.crc32(content), len(content))
    must(whole and not stream.unused_data, "a segment does not decompress within its limits")
    return content

def is_int(*values):
    return all(type(value) is int and abs(value) <= 2**53 for value in values)

def is_text(pattern, *values):
    return all(isinstance(value, str) and pattern.fullmatch(value) for value in values)

def is_manifest(m):
    """Returns whether it has all required fields and does not contradict itself."""
    chosen, segments, rows, first_seq, last_seq = (m[key] for key in ("selection", "segments", "rows", "first_seq", "last_seq"))
    first, last, to_end, filters = chosen["from_seq"], chosen["to_seq"], chosen["to_end"], chosen["filter"]
    heads = [m[key] for key in ("predecessor", "head") if key in m]
    report = m.get("report")
    is_format = m["format"] == "audit-bundle/1" if "report" not in m else (
        m["format"] == "audit-bundle/2" and report["name"] == "audit-bundle/report.html" and is_text(HASH, report["sha256"])
        and is_int(report["bytes"]))
    is_typed = (is_format and is_text(UUID, m["domain_id"]) and type(to_end) is bool
                and is_int(first, last, rows, first_seq, last_seq) and type(segments) is list and type(filters) is dict
                and all(is_int(one["seq"]) and is_text(HASH, one["hash"]) for one in heads)
                and set(filters) <= FILTER and is_text(ANY, *filters.values()) and is_text(HASH, *(one["sha256"] for one in segments))
                and all(is_int(one["rows"], one["first_seq"], one["last_seq"], one["bytes"]) for one in segments))
    kind = "filtered" if filters else "chain" if first == 1 and to_end else "range"
    is_named = all(one["name"] == "audit-bundle/rows/%08d.ndjson.gz" % (i + 1) for i, one in enumerate(segments))
    ends = (segments[0]["first_seq"], segments[-1]["last_seq"]) if segments else (first_seq, last_seq)
    is_sum = rows == sum(one["rows"] for one in segments) and ends == (first_seq, last_seq)
    is_link = "predecessor" not in m or (kind != "filtered" and first > 1 and m["predecessor"]["seq"] == first - 1)
    is_range = 1 <= first <= min(last, MAX_SEQ) and (not to_end or last == max(first, last_seq))
    return is_typed and chosen["kind"] == kind and is_range and is_link and is_named and is_sum

def read_manifest(name, content):
    must(name == "audit-bundle/manifest.json", "the first member is not a manifest")
    try:
        manifest = json.loads(content.decode("utf-8"), parse_int=lambda digits: int(float(digits)))  # as JSON.parse does
        # Refuses duplicate keys, odd spellings and lone surrogates, which readers might parse differently.
        spelled = json.dumps(manifest, indent=2, ensure_ascii=False)
        is_plain = all(map(LINE.fullmatch, spelled.split("\n")))
        is_ours = is_plain and (spelled + "\n").encode("utf-8") == content and is_manifest(manifest)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        is_ours = False
    must(is_ours, "manifest.json does not have the form that an export writes")
    return manifest

def decode(data):
    """Returns the fields of canonical bytes, or None if no append can have written them."""
    at = 0
    def take(length):  # a read beyond the end leaves `at` beyond it, which is checked last
        nonlocal at
        at += length
        return data[at - length:at]
    count = lambda: struct.unpack(">I", take(4))[0]  # noqa: E731
    text = lambda: take(count()).decode("utf-8")  # noqa: E731
    texts = lambda: [text() for _ in range(min(count(), 65))]  # noqa: E731
    fits = lambda least, most, *values: all(least <= len(v.encode()) <= most and "\0" not in v for v in values)  # noqa: E731
    try:
        magic, domain_id, (seq,), subject = take(4), str(uuid.UUID(bytes=take(16))), struct.unpack(">Q", take(8)), take(32).hex()
        relation, (kind, _, name), reason, path, names = text(), text().partition(":"), take(1)[0], texts(), texts()
        correlation, zedtoken, (micros,) = text(), text(), struct.unpack(">q", take(8))
        recorded = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
        is_so = (magic == b"PXA1" and UUID.fullmatch(domain_id) and 1 <= seq <= MAX_SEQ and 1 <= reason <= 4
                 and fits(1, 128, relation) and fits(0, 256, correlation) and fits(0, 1024, zedtoken) and fits(1, 512, name, *path)
                 and re.fullmatch(r"[a-z][a-z0-9_/-]{0,63}", kind) and len(path) <= 64 and len(names) <= 64
                 and all(NAME.fullmatch(one) for one in names) and names == sorted(set(names)) and at == len(data))
        return dict(domain_id=domain_id, seq=seq, subject_pseudonym=subject, relation=relation, object_type=kind, object_id=name,
                    reason=REASONS[reason - 1], relation_path=path, caveat_context=names, correlation_id=correlation,
                    zedtoken=zedtoken, recorded_at=recorded.isoformat(timespec="microseconds") + "Z") if is_so else None
    except (ValueError, OverflowError, IndexError, struct.error):
        return None

def read_line(line):
    """Parses a line as seq, prev_hash, entry_hash and canonical bytes; returns None if it is not a row."""
    match = ROW.fullmatch(line)
    if match is None or str(int(match[1])) != match[1] or abs(int(match[1])) > 2**53:
        return None
    seq, prev, entry, text = int(match[1]), match[2], match[3], match[4]
    try:
        canonical = base64.b64decode(text or "", validate=True)
    except ValueError:
        return None
    is_whole = prev and entry and len(canonical) <= CANONICAL and base64.b64encode(canonical).decode() == text
    return (seq, prev, entry, None) if text is None else (seq, prev, entry, canonical) if is_whole else None

class Bundle:
    """Reads the members after the manifest, and judges them by the manifest and row by row."""
    def __init__(self, manifest, pin, on_row):
        chosen, files = manifest["selection"], ("README.txt", "verify-bundle.mjs", "verify_bundle.py")
        self.domain, self.filter, self.pin, self.on_row = manifest["domain_id"], chosen["filter"], pin, on_row
        self.first, self.last, self.complete = chosen["from_seq"], chosen["to_seq"], chosen["kind"] != "filtered"
        self.expected = [{"name": "audit-bundle/" + name} for name in files]
        # Keys that are not checked, such as first_seq, must not make the report a segment.
        self.expected += [{key: manifest["report"][key] for key in ("name", "bytes", "sha256")}] if "report" in manifest else []
        self.expected += manifest["segments"]
        self.places = {one["name"]: place for place, one in enumerate(self.expected)}
        self.found, self.next, self.rows, self.end, self.ends = Findings(), 0, 0, None, []
        # `at` is the current seq; `hashes` are the hashes of its rows, `before` the hashes of the row before.
        self.seq = self.at = self.first - 1
        self.hashes, self.before, self.rows_here, self.is_met, self.seen = [ZERO] * (self.at == 0), [], 0, False, None
        # `time` is the earliest time of these rows that hash, `time_before` the time of the nearest row before that hashes.
        self.time, self.time_before = None, ""
        if "predecessor" in manifest:
            self.remember(manifest["predecessor"]["hash"])
    def read(self, members):
        for name, content in members:
            place = self.places.get(name, -1)
            if place < self.next:
                self.found.add("orphan_object", 0, 0, "member " + name + " is not in the manifest, or not in its place")
            else:
                self.skip_to(place)
                self.next += 1
                self.member(self.expected[place], content)
        self.skip_to(len(self.expected))
    def member(self, one, content):
        """Judges a segment, or the report by its hash; of the other files only the names count."""
        if "first_seq" in one:
            self.segment(one, gunzip(content))
        elif "sha256" in one and [one["bytes"], one["sha256"]] != [len(content), hashlib.sha256(content).hexdigest()]:
            self.found.add("object_malformed", 0, 0, one["name"] + " is not the one that was written")
    def skip_to(self, place):
        for one in self.expected[self.next:place]:
            self.found.add("object_missing", one.get("first_seq", 0), one.get("last_seq", 0), one["name"] + " is missing")
        self.next = place
    def segment(self, said, content):
        *lines, rest = content.decode("latin-1").split("\n")
        lines += [""] * (rest != "")  # bytes after the last newline are not a row
        first = ([self.line(read_line(line)) for line in lines] + [self.seq + 1])[0]
        counted = [len(lines), first, self.seq, len(content), hashlib.sha256(content).hexdigest()]
        if counted != [said[key] for key in ("rows", "first_seq", "last_seq", "bytes", "sha256")]:
            self.found.add("object_malformed", said["first_seq"], said["last_seq"], said["name"] + " is not the one counted")
    def line(self, row):
        self.seq = seq = self.seq + 1 if row is None else row[0]
        is_outside = (self.first > 1 and seq < self.first) or seq > self.last
        fields = decode(row[3]) if row and row[3] else None
        if row is None:
            self.found.add("object_malformed", seq, seq, "a line that is no row")
        elif is_outside or (fields and any(fields[key] != value for key, value in self.filter.items())):
            self.found.add("orphan_object", seq, seq, "not a row that was asked for")
        if row and not is_outside:
            self.judge(row, fields)
        return seq
    def judge(self, row, fields):
        """Judges a row by its own bytes and prev_hash, and by the stored hashes of the row before."""
        seq, prev, entry, _ = row
        def find(code, what, expected=None, observed=None):
            self.found.add(code, seq, seq, what, expected, observed)
        self.rows += 1
        self.on_row(fields or {"seq": seq, "problem": "damaged"})
        if self.end is None or seq > self.end:
            self.end, self.ends = seq, []
        self.ends += [entry] * (seq == self.end)
        if not max(self.at, 1) <= seq <= MAX_SEQ:
            return find("malformed_row", "seq: none, or out of order", None, entry)
        if seq == self.at:
            find("duplicate_seq", "it is there more than once", self.hashes[0] if self.hashes else None, entry)
        else:
            self.gap(seq, prev)
            self.before = self.hashes if seq == self.at + 1 and self.rows_here <= 16 else []
            self.hashes, self.at, self.rows_here = [], seq, 0
            self.time, self.time_before = None, self.time or self.time_before
        self.rows_here += 1
        self.judge_hash(row, fields, find)
        if self.before and prev and prev not in self.before:
            find("broken_link", "prev_hash is not the entry_hash before", self.before[0], prev)
        return self.remember(entry)
    def judge_hash(self, row, fields, find):
        seq, prev, entry, canonical = row
        original = None
        if canonical is not None:
            inner = hashlib.sha256(canonical).digest()
            link = lambda one: hashlib.sha256(bytes.fromhex(one) + inner).hexdigest()  # noqa: E731
            original = prev if link(prev) == entry else next((one for one in self.before if link(one) == entry), None)
            if original is None:
                return find("entry_hash_mismatch", "does not hash to its entry_hash", link(prev), entry)
            if original != prev:
                find("broken_link", "prev_hash was changed; the row itself is whole", original, prev)
        is_so = fields and fields["seq"] == seq and fields["domain_id"] == self.domain
        if not is_so:
            find("malformed_row", "its bytes are those of another row, or of none", None, entry)
        elif original == prev:
            time = fields["recorded_at"]
            if time < self.time_before:
                find("malformed_row", "recorded_at %s is before %s, the time of an earlier row" % (time, self.time_before), None, entry)
            self.time = min(self.time or time, time)
    def remember(self, entry):
        if self.pin and self.pin[0] == self.at:
            self.is_met, self.seen = self.is_met or entry == self.pin[1], entry
        if entry is not None and len(self.hashes) < 16:
            self.hashes.append(entry)
    def gap(self, following, expected=None):
        if following > self.at + 1 and self.complete:
            self.found.add("seq_gap", self.at + 1, following - 1, "rows are missing", expected)
    def judge_head(self, head):
        seq, hashes = (0, [ZERO]) if self.end is None else (self.end, self.ends)
        known, at = next((one for one in hashes if one is not None), None), head["seq"] if head else seq
        first, last = max(1, seq if at == seq else min(at, seq) + 1), max(1, at, seq)
        if head is None or at != seq or (known is not None and head["hash"] not in hashes):
            self.found.add("head_mismatch", first, last, "it is not the last row", known, head and head["hash"])

def lacks(selection, pin):
    """Whether the pinned row lies before or after the rows of a selection, so that the file cannot show whether the chain has it."""
    return bool(pin) and (pin[0] < selection["from_seq"] - 1 or (not selection["to_end"] and pin[0] > selection["to_seq"]))

def verify(path, pin, allow_filtered, on_row):
    members = members_of(path)
    manifest = read_manifest(*next(members, (None, b"")))
    chosen, head = manifest["selection"], manifest.get("head")
    first, last, to_end = chosen["from_seq"], chosen["to_seq"], chosen["to_end"]
    must(manifest["segments"] and manifest["rows"], "the bundle has no rows", 4, "nothing_to_verify")
    is_outside = lacks(chosen, pin)
    bundle = Bundle(manifest, pin, on_row)
    found, complete = bundle.found, bundle.complete
    try:
        bundle.read(members)
    except Refusal as refusal:
        if not found:  # The rest could not be checked, but findings before the cut are still findings.
            raise
        found.add("object_malformed", bundle.seq + 1, bundle.seq + 1, "from here on: " + refusal.args[2])
    bundle.judge_head(head) if complete and to_end else bundle.gap(last + 1)
    lacks_pin = bool(pin) and not bundle.is_met
    if lacks_pin and not is_outside and (complete or bundle.seen):
        found.add("unexpected_head", pin[0], pin[0], "the pinned head is not in the chain", pin[1], bundle.seen)
    found.sort(key=lambda one: (one["seq_from"], RANK.index(one["code"])))
    findings = [{key: value for key, value in one.items() if value is not None} for one in found]
    end = max(last, head["seq"] if head else 0, bundle.end or 0) if complete and to_end else last
    hashed = {"seq": bundle.at, "hash": bundle.hashes[-1]} if bundle.at >= first and bundle.hashes else {"seq": 0, "hash": ZERO}
    return {"ok": not findings and not is_outside and (complete or (allow_filtered and not lacks_pin)), "domain_id": manifest["domain_id"],
            "source": "bundle", "segment_from": first, "segment_to": end, "rows": bundle.rows, "head": hashed,
            "complete": complete, "selection": chosen, "findings": findings}

def head_of(text):
    seq, _, head = text.lower().partition(":")
    if not re.fullmatch("[1-9][0-9]{0,15}", seq) or int(seq) > MAX_SEQ or not HASH.fullmatch(head):
        raise argparse.ArgumentTypeError("expected SEQ:HASH")
    return int(seq), head

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("file")
    parser.add_argument("--expect-head", metavar="SEQ:HASH", type=head_of)
    for flag in ("--allow-filtered", "--rows"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args()
    result = verify(given.file, given.expect_head, given.allow_filtered, lambda row: given.rows and print(json.dumps(row)))
    print("" if given.rows else json.dumps(result, indent=2) + "\n", end="")
    outside = "the pinned row lies outside the file, which cannot show whether the chain still has it"
    partial = outside if lacks(result["selection"], given.expect_head) else "a selection cannot show that no row is missing"
    kind = "DIVERGED" if result["findings"] else "intact" if result["ok"] else "PARTIAL: " + partial
    print("%s  %d rows, %s, head %d:%s" % (kind, result["rows"], result["selection"]["kind"], *result["head"].values()), file=sys.stderr)
    return 1 if result["findings"] else 0 if result["ok"] else 3

if __name__ == "__main__":
    try:
        status = main()
    except (Refusal, OSError) as error:
        print("Error:", *error.args, file=sys.stderr)
        status = error.args[0] if isinstance(error, Refusal) else 3
    except Exception:  # Python's own status for a crash is 1, and 1 is kept for findings
        traceback.print_exc()
        status = 70
    sys.exit(status)

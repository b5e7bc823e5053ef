"""Every place of the product that asks the database, with its statement if that is a literal; and every literal that is SQL."""
import concurrent.futures, os, pathlib, re, subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r'\(sql_asked_at = ((?:"(?:[^"\\]|\\.)*"\s*)+),\s*sql_(run|rows|first|int)_text\(')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[(){}\[\],]')
ESCAPES = re.compile(r"\\(x[0-9a-fA-F]+|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)")
SQL = re.compile(r"\b(SELECT|FROM|WHERE|JOIN|ORDER BY|GROUP BY|INSERT INTO|UPDATE [a-z%]|DELETE FROM|VALUES|EXISTS|LIMIT|COALESCE|CASE WHEN|IN \()")


def plain(literals):
    """Adjacent literals as the text that they are."""
    def one(m):
        c = m.group(1)
        if c[0] in "xuU":
            n = int(c[1:], 16)
            return chr(n + 0xdc00 if c[0] == "x" and n > 127 else n)
        return chr(int(c, 8)) if c[0] in "01234567" else {"n": "\n", "t": "\t", "r": "\r"}.get(c, c)
    return ESCAPES.sub(one, "".join(STRING.findall(literals))).encode("utf-8", "surrogateescape").decode(errors="replace")


def flags():
    """How the debug build compiles, so that the places are those that it writes down."""
    said = subprocess.run(["make", "-s", "--no-print-directory", "MODE=debug", "flags"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [f for f in said.split() if f not in ("-MMD", "-MP", "-g") and not f.startswith("-fsanitize")]


def arguments(text, at):
    """The arguments of the call whose opening bracket is before `at`."""
    depth, begun, ret = 0, at, []
    for t in TOKEN.finditer(text, at):
        c = t.group()
        if c in "([{":
            depth += 1
        elif c in ")]}" and depth:
            depth -= 1
        elif c == ")" or (c == "," and not depth):
            ret.append(text[begun:t.start()])
            begun = t.end()
            if c == ")":
                return ret
    raise ValueError("a call does not end")


class Source:
    """calls: {place: statement, or None where it is put together}; literals: {text: place of the first}."""

    def __init__(self):
        self.calls, self.literals = {}, {}
        how = flags()
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src/*.c"], cwd=ROOT, check=True, capture_output=True, text=True)
        files = [f for f in listed.stdout.split() if not f.endswith("_test.c") and (ROOT / f).exists()
                 and f not in ("src/sql/sql.c", "src/app/migrations.c") and '"' in (ROOT / f).read_text()]
        files = [f for f in files if re.match(r"src/(api|app|job|query|cli|blob|sql)/", f)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for f, text in zip(files, pool.map(lambda f: self.preprocessed(f, how), files)):
                self.read(f, text)

    @staticmethod
    def preprocessed(f, how):
        return subprocess.run(["gcc", "-E", *how, f], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    def read(self, f, text):
        text = self.own(f, text)
        for m in CALL.finditer(text):
            args = arguments(text, m.end())
            what = args[1 if m.group(2) == "run" else 2].strip()
            literal = re.fullmatch(r'("(?:[^"\\]|\\.)*"\s*)+', what)
            self.calls.setdefault(plain(m.group(1)), []).append(plain(what) if literal else None)
        for m in re.finditer(r'(?:"(?:[^"\\]|\\.)*"\s*)+', text):
            said = plain(m.group())
            if SQL.search(said):
                self.literals.setdefault(said, f)

    @staticmethod
    def literals_of(f):
        return [plain(m.group()) for m in re.finditer(r'(?:"(?:[^"\\]|\\.)*"\s*)+', (ROOT / f).read_text())]

    @staticmethod
    def own(f, text):
        """What stands in the file itself, not in its headers; without line marks and line ends."""
        keep, out = False, []
        for line in text.splitlines():
            mark = re.match(r'# \d+ "([^"]*)"', line)
            if mark:
                keep = mark.group(1) == f
            elif keep:
                out.append(line)
        return " ".join(out)

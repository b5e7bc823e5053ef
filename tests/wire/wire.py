"""A server on a folder of its own, and cases: steps of requests and what must come back (README.md)."""
import ast, atexit, http.client, json, os, pathlib, re, signal, socket, subprocess, sys, tempfile, uuid

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import database


class Wrong(Exception):
    pass


class Server:
    def __init__(self, binary):
        self.binary, self.folder = binary, pathlib.Path(tempfile.mkdtemp(prefix="saccade_wire_"))
        self.data, self.log = self.folder / "data", open(self.folder / "log", "wb")
        self.answers = None  # what compares them with the API's description, if somebody does
        self.env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        self.process = subprocess.Popen([binary, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--first-secrets",
                                         self.folder / "first.json", *database.new()], stdout=subprocess.PIPE, stderr=self.log, env=self.env)
        atexit.register(self.process.kill) # also when the runner itself fails; after stop() it does nothing
        for line in self.process.stdout:
            if b"is ready at" in line:
                break
        else:
            raise SystemExit((self.folder / "log").read_text()[-4000:] + "\nthe server did not start")
        first = json.loads((self.folder / "first.json").read_text())
        self.host, self.port = "127.0.0.1", int(first["url"].rsplit(":", 1)[1])
        self.names = {k: first[k] for k in ("url", "username", "password", "token")}
        for role in ("viewer", "member"):
            self.command("user", "add", role, "--role", role)
            self.names[role] = self.command("token", "new", role).split()[-1]
        status, _, body = self.ask("GET", "/api/home/ping", token=self.names["token"])
        if status == 200:
            self.names["org"] = json.loads(body)["default_organization"]
            status, _, body = self.ask("GET", f"/api/organization/{self.names['org']}/datalake", token=self.names["token"])
            self.names.update(lake=json.loads(body)["id"], connector=json.loads(body)["connector_id"])

    def command(self, *words):
        return subprocess.run([self.binary, *words, "--data", self.data], check=True, capture_output=True, text=True, env=self.env).stdout

    def ask(self, method, path, body=None, token=None, headers=(), connection=None):
        c = connection or http.client.HTTPConnection(self.host, self.port, timeout=60)
        h = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            h["Content-Type"] = "application/json"
            h["Content-Length"] = str(len(body))
        for name, value in headers:
            if value:
                h[name] = value
            else:
                h.pop(name, None)
        c.putrequest(method, path, skip_host="Host" in h, skip_accept_encoding=True)
        for name, value in h.items():
            c.putheader(name, value.encode("utf-8"))
        c.endheaders(body)
        r = c.getresponse()
        got = r.read()
        if not connection:
            c.close()
        if self.answers:
            self.answers.heard(method, path.partition("?")[0], r.status)
        if self.answers and got and r.getheader("Content-Type", "").startswith("application/json"):
            self.answers.compare(method, path.partition("?")[0], r.status, json.loads(got))
        return r.status, r.getheaders(), got

    def raw(self, request):
        """The bytes as they are → what came back, and whether the server closed the connection."""
        with socket.create_connection((self.host, self.port), timeout=5) as s:
            s.settimeout(1.5)
            got, closed = b"", False
            try:
                s.sendall(request)
                while not closed and len(got) < 1 << 20:
                    piece = s.recv(1 << 16)
                    got, closed = got + piece, not piece
            except ConnectionError:
                closed = True
            except socket.timeout:
                pass
        return got, closed

    def stop(self):
        """Ends it in order; faults that it logged."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "none: it had to be killed"
        log = (self.folder / "log").read_text(errors="replace")
        faults = [line for line in log.splitlines() if '"level":"error"' in line or "Sanitizer" in line or "runtime error" in line]
        return ([f"SIGTERM: exit code {code}"] if code != 0 else []) + faults


class Case:
    """One file: steps that follow each other on one connection, sharing names."""

    def __init__(self, path, server):
        self.path, self.server = path, server
        self.names = dict(server.names, new=uuid.uuid4().hex[:12], no_id=str(uuid.uuid4()))
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=60)

    def fill(self, text):
        def one(m):
            inner = m.group(1)
            if "*" in inner:
                what, times = inner.rsplit("*", 1)
                return ast.literal_eval(what) * int(times)
            inner, _, part = inner.partition("|")
            if inner not in self.names or part not in ("", "path", "json"):
                raise Wrong(f"there is no name ${{{inner}}}")
            value = str(self.names[inner])
            return json.dumps(value) if part == "json" else value[value.index("/", 8):] if part else value
        return re.sub(r"\$\{([^}]+)\}", one, text)

    def steps(self):
        step = None
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            if line.startswith("#"):
                continue
            if line.startswith("> ") and (step is None or step["want"]):
                step = dict(line=number, head=[], body=[], want=[])
                self.found.append(step)
            if line.startswith("> "):
                step["head"].append(line[2:])
            elif line.startswith("< "):
                step["want"].append((number, line[2:].strip()))
            elif step is not None and not step["want"]:
                step["body"].append(line)
            elif line.strip():
                raise Wrong(f"line {number}: neither > nor < nor a body")

    def run(self):
        self.found = []
        self.steps()
        if not self.found:
            raise Wrong("no steps")
        for step in self.found:
            try:
                self.run_step(step)
            except Wrong as e:
                raise Wrong(f"line {e.args[1] if len(e.args) > 1 else step['line']}: {e.args[0]}") from None

    def run_step(self, step):
        head = [self.fill(h) for h in step["head"]]
        body = self.fill("\n".join(step["body"]).strip("\n"))
        if head[0] == "RAW":
            sent = b"".join(line.encode().decode("unicode_escape").encode("latin-1") for line in body.split("\n"))
            got, self.closed = self.server.raw(sent)
            status, rest = (int(got[9:12]), got) if got.startswith(b"HTTP/1.1 ") else (0, got)
            headers, answer = rest.partition(b"\r\n\r\n")[::2]
            self.status, self.answer = status, answer
            self.headers = [tuple(h.split(": ", 1)) for h in headers.decode("latin-1").split("\r\n")[1:] if ": " in h]
            self.answers = got.count(b"HTTP/1.1 ")
        else:
            method, _, path = head[0].partition(" ")
            headers = [tuple(part.strip() for part in h.split(":", 1)) for h in head[1:]]
            try:
                self.status, self.headers, self.answer = self.server.ask(method, path, body.encode() if body else None, self.names["token"],
                                                                         headers, self.connection)
            except (OSError, http.client.HTTPException) as e:
                self.connection.close()
                raise Wrong(f"no answer to {head[0]}: {e!r}")
            self.closed, self.answers = False, 1
        for number, want in step["want"]:
            self.check(number, want)

    def check(self, number, want):
        def wrong(what):
            raise Wrong(f"wanted '{want}', {what}; the answer was {self.status} {self.answer[:600]!r}", number)
        text = self.answer.decode("utf-8", "replace")
        if re.fullmatch(r"[0-9x|]+", want):
            if not re.fullmatch(want.replace("x", "[0-9]"), str(self.status)):
                wrong(f"got {self.status}")
        elif want == "closed":
            if not self.closed:
                wrong("the connection is open")
        elif m := re.fullmatch(r"answers (\d+)", want):
            if self.answers != int(m.group(1)):
                wrong(f"got {self.answers} answers")
        elif want.startswith("~ "):
            if self.fill(want[2:]) not in text:
                wrong("the body does not hold it")
        elif want.startswith("! "):
            if self.fill(want[2:]) in text:
                wrong("the body holds it")
        elif want.startswith("."):
            self.check_member(want, wrong)
        else:
            name, _, value = want.partition(":")
            values = [v for n, v in self.headers if n.lower() == name.lower()]
            value = value.strip()
            if value.startswith("-> ") and values:
                self.names[value[3:]] = values[0]
                return
            value = self.fill(value)
            if value == "-" and values:
                wrong("the header is there")
            if value != "-" and not any(value in v for v in values):
                wrong(f"headers of that name: {values}")

    def check_member(self, want, wrong):
        path, _, rest = want.partition(" ")
        try:
            value = json.loads(self.answer)
            for key in path[1:].split("."):
                if key == "#":
                    value = len(value)
                elif key:
                    value = value[int(key)] if isinstance(value, list) else value[key]
        except (ValueError, KeyError, IndexError, TypeError):
            return wrong("there is no such member")
        if rest.startswith("-> "):
            self.names[rest[3:].strip()] = value if isinstance(value, (str, int)) else json.dumps(value)
        elif rest and value != json.loads(self.fill(rest)):
            wrong(f"it is {json.dumps(value)}")

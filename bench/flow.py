"""HTTP requests that follow one another, over some connections kept open, from one thread: as little of the machine as Python can take for asking."""
import collections, selectors, socket, time, urllib.parse


class Flow:
    """Tasks are pairs: a request and what is done with its answer, which may add more tasks. Each connection takes the next task as soon as its last
    answer is there; one that the server closes is opened again."""

    def __init__(self, url, connections):
        where = urllib.parse.urlsplit(url)
        self.host, self.address = where.netloc, (where.hostname, where.port)
        self.tasks, self.answered = collections.deque(), 0
        self.idle = [None] * connections  # opened when it is needed: a server with a process a connection waits for what an open one says

    def connect(self):
        s = socket.create_connection(self.address)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def request(self, method, path, headers, body):
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        return f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def add(self, request, then=None):
        self.tasks.append((request, then))

    def first(self, request, then=None):
        """Before what waits already."""
        self.tasks.appendleft((request, then))

    def run(self, until=None):
        """Until nothing is left to ask, or that time (perf_counter); gives the seconds it took."""
        ready, began, under_way = selectors.DefaultSelector(), time.perf_counter(), 0
        while True:
            while self.idle and self.tasks and (until is None or time.perf_counter() < until):
                s, (request, then) = self.idle.pop() or self.connect(), self.tasks.popleft()
                s.sendall(request)
                ready.register(s, selectors.EVENT_READ, [bytearray(), then])
                under_way += 1
            if not under_way:
                return time.perf_counter() - began
            for key, _ in ready.select(60):
                under_way -= self.read(ready, key.fileobj, *key.data)

    def read(self, ready, s, got, then):
        piece = s.recv(1 << 18)
        assert piece or got, "closed without an answer"
        got += piece
        at = got.find(b"\r\n\r\n")
        if at < 0:
            return 0
        assert got.startswith(b"HTTP/1.1 20"), bytes(got[:800])
        head = got[:at].lower()
        length = head.split(b"content-length:")[1].split(b"\r\n")[0] if b"content-length:" in head else 0
        if len(got) < at + 4 + int(length):
            return 0
        ready.unregister(s)
        if b"connection: close" in head:
            s.close()
            s = None
        self.idle.append(s)
        self.answered += 1
        if then:
            then(bytes(got[at + 4:]))
        return 1

    def close(self):
        for s in filter(None, self.idle):
            s.close()

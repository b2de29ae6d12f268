# What Python's threads, subprocesses, signals, sockets and files ask of the kernel. Prints the same on each run.
import asyncio, fcntl, mmap, multiprocessing, os, queue, select, signal, socket, subprocess, sys, tempfile, threading, time

def squares():
    todo, done = queue.Queue(), []
    def work():
        while (i := todo.get()) is not None:
            done.append(i * i)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads: t.start()
    for i in range(500): todo.put(i)
    for _ in threads: todo.put(None)
    for t in threads: t.join()
    print("squares", sum(done), len(done), threading.active_count())

def conditions():
    lock, turn, order = threading.Condition(), 0, []
    def player(n):
        nonlocal turn
        for _ in range(20):
            with lock:
                lock.wait_for(lambda: turn % 3 == n, 10)
                order.append(n)
                turn += 1
                lock.notify_all()
    players = [threading.Thread(target=player, args=(n,)) for n in range(3)]
    for t in players: t.start()
    for t in players: t.join()
    local = threading.local()
    local.x = 1
    seen = []
    t = threading.Thread(target=lambda: seen.append(hasattr(local, "x")))
    t.start(); t.join()
    print("conditions", order == [0, 1, 2] * 20, seen, threading.Event().wait(0.01))

def children():
    run = subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True, text=True)
    print("run", run.returncode, run.stdout, run.stderr)
    cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print("cat", len(cat.communicate(b"x" * 200000)[0]), cat.returncode)
    slow = subprocess.Popen(["sleep", "60"])
    try:
        slow.wait(0.05)
    except subprocess.TimeoutExpired:
        slow.terminate()
    print("killed", slow.wait())
    try:
        subprocess.run(["/no/such/program"])
    except FileNotFoundError as e:
        print("missing", e.errno)
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print("pool", pool.map(abs, range(-5, 5)))
    if not (pid := os.fork()):
        os._exit(7)
    print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

def signals():
    got = []
    signal.signal(signal.SIGUSR1, lambda s, f: got.append(s))
    signal.signal(signal.SIGALRM, lambda s, f: got.append(s))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    print("signals", [int(s) for s in got], signal.sigtimedwait([signal.SIGUSR2], 0.01))

def sockets():
    server = socket.create_server(("127.0.0.1", 0))
    def serve():
        peer, _ = server.accept()
        with peer:
            while data := peer.recv(100):
                peer.sendall(data.upper())
    t = threading.Thread(target=serve)
    t.start()
    with socket.create_connection(server.getsockname()) as c:
        c.sendall(b"hello")
        print("tcp", c.recv(100), select.select([c], [c], [], 0)[1] == [c])
    t.join()
    a, b = socket.socketpair()
    poll = select.epoll()
    poll.register(b, select.EPOLLIN)
    print("epoll", poll.poll(0), a.send(b"x"), [e for _, e in poll.poll(1)])

def files():
    with tempfile.TemporaryDirectory(dir=".") as d:
        path = os.path.join(d, "file")
        with open(path, "wb+") as f:
            f.write(b"0123456789" * 1000)
            f.flush()
            fcntl.flock(f, fcntl.LOCK_EX)
            with mmap.mmap(f.fileno(), 0) as m:
                m[5:8] = b"abc"
                print("mmap", m[0:12], m.find(b"abc"))
        print("files", os.path.getsize(path), sorted(os.listdir(d)), os.stat(path).st_nlink)

async def tasks():
    async def late(n):
        await asyncio.sleep(0.002 * n)
        return n
    child = await asyncio.create_subprocess_exec("echo", "child", stdout=asyncio.subprocess.PIPE)
    print("tasks", await asyncio.gather(*map(late, range(5))), (await child.communicate())[0])
    print("thread", await asyncio.to_thread(sum, range(100)))

for step in squares, conditions, children, signals, sockets, files:
    step()
    sys.stdout.flush()
asyncio.run(tasks())

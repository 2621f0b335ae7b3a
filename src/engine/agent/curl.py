"""A `curl` for labs whose machine has none: the options that courses use, and the loopback interface alone."""

SCRIPT = r'''
import base64, http.client, json, os, re, sys, urllib.parse, uuid

def main(words):
    o = {"headers": [], "data": [], "forms": [], "urls": [], "method": None, "out": None, "cookies": {}, "jar": None, "write": None}
    flags = set()
    takes = {"-X": "request", "-H": "header", "-d": "data", "-F": "form", "-b": "cookie", "-c": "cookie-jar", "-o": "output", "-u": "user",
             "-A": "user-agent", "-w": "write-out", "-m": "max-time", "-e": "referer"}
    long_takes = set(takes.values()) | {"url", "json", "data-raw", "data-binary", "data-urlencode", "connect-timeout", "retry", "data-ascii"}
    plain = {"i": "include", "s": "silent", "S": "show-error", "L": "location", "v": "verbose", "I": "head", "k": "insecure", "f": "fail",
             "G": "get", "N": "no-buffer", "O": "remote-name", "g": "globoff"}
    words = list(words)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            if name in long_takes:
                take(o, flags, name, value or words.pop(0))
            else:
                flags.add(name)
        elif word.startswith("-") and len(word) > 1:
            rest = word[1:]
            while rest:
                letter, rest = rest[0], rest[1:]
                if "-" + letter in takes:
                    take(o, flags, takes["-" + letter], rest or words.pop(0))
                    break
                flags.add(plain.get(letter, letter))
        else:
            o["urls"].append(word)
    if not o["urls"]:
        return fail(2, "no URL specified")
    status = 0
    for url in o["urls"]:
        status = fetch(o, flags, url) or status
    return status

def contents(value, strips):
    if not value.startswith("@"):
        return value
    with (sys.stdin if value == "@-" else open(value[1:], encoding="utf-8")) as file:
        text = file.read()
    return text.replace("\r", "").replace("\n", "") if strips else text

def take(o, flags, name, value):
    if name == "request": o["method"] = value
    elif name == "header": o["headers"].append(value)
    elif name in ("data", "data-ascii"): o["data"].append(contents(value, True))
    elif name == "data-raw": o["data"].append(value)
    elif name == "data-binary": o["data"].append(contents(value, False))
    elif name == "data-urlencode":
        key, sep, text = value.partition("=")
        o["data"].append(key + "=" + urllib.parse.quote_plus(text) if sep and key else urllib.parse.quote_plus(text or key))
    elif name == "json":
        o["data"].append(contents(value, False))
        o["headers"] += ["Content-Type: application/json", "Accept: application/json"]
    elif name == "form": o["forms"].append(value)
    elif name == "cookie":
        if "=" in value:
            o["cookies"].update(pair.strip().split("=", 1) for pair in value.split(";") if "=" in pair)
        elif os.path.exists(value):
            for line in open(value, encoding="utf-8"):
                fields = line.rstrip("\n").removeprefix("#HttpOnly_").split("\t")
                if len(fields) == 7: o["cookies"][fields[5]] = fields[6]
    elif name == "cookie-jar": o["jar"] = value
    elif name == "output": o["out"] = value
    elif name == "user": o["headers"].append("Authorization: Basic " + base64.b64encode(value.encode()).decode())
    elif name == "user-agent": o["headers"].append("User-Agent: " + value)
    elif name == "referer": o["headers"].append("Referer: " + value)
    elif name == "write-out": o["write"] = value
    elif name == "url": o["urls"].append(value)

def body_of(o):
    if o["forms"]:
        edge, out = uuid.uuid4().hex, b""
        for form in o["forms"]:
            name, _, value = form.partition("=")
            head = 'Content-Disposition: form-data; name="%s"' % name
            kind = ""
            if value.startswith("@"):
                path = value[1:].split(";")[0]
                text = open(path, "rb").read()
                head += '; filename="%s"' % os.path.basename(path)
                kind = "\r\nContent-Type: application/octet-stream"
            else:
                text = value.encode()
            out += ("--%s\r\n%s%s\r\n\r\n" % (edge, head, kind)).encode() + text + b"\r\n"
        return out + ("--%s--\r\n" % edge).encode(), "multipart/form-data; boundary=" + edge
    if o["data"]:
        return "&".join(o["data"]).encode(), "application/x-www-form-urlencoded"
    return None, None

def fail(code, message):
    sys.stderr.write("curl: (%d) %s\n" % (code, message))
    return code

def fetch(o, flags, url):
    for _ in range(20):
        if not re.match(r"[a-z]+://", url): url = "http://" + url
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if host not in ("localhost", "::1", "0.0.0.0") and not host.startswith("127."):
            return fail(6, "Could not resolve host: %s" % host)
        body, kind = body_of(o)
        path = parts.path or "/"
        if parts.query: path += "?" + parts.query
        if "get" in flags and body is not None:
            path += ("&" if parts.query else "?") + body.decode()
            body = None
        method = o["method"] or ("HEAD" if "head" in flags else "POST" if body is not None else "GET")
        headers = {"User-Agent": "curl/8.0", "Accept": "*/*"}
        if body is not None: headers["Content-Type"] = kind
        for header in o["headers"]:
            name, _, value = header.partition(":")
            for old in [key for key in headers if key.lower() == name.lower()]: del headers[old]
            headers[name] = value.strip()
        if o["cookies"]: headers["Cookie"] = "; ".join("%s=%s" % pair for pair in o["cookies"].items())
        connection = http.client.HTTPConnection("127.0.0.1" if host in ("localhost", "0.0.0.0") else host, port, timeout=20)
        try:
            connection.request(method, urllib.parse.quote(path, safe="/?&=%:+,;@$!*'()~[]"), body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except ConnectionRefusedError:
            return fail(7, "Failed to connect to %s port %d after 0 ms: Couldn't connect to server" % (host, port))
        except (OSError, http.client.HTTPException) as error:
            return fail(52, "Empty reply from server" if isinstance(error, http.client.RemoteDisconnected) else str(error))
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                o["cookies"][key] = rest.split(";")[0]
        head = "HTTP/1.1 %d %s\r\n" % (answer.status, answer.reason) + "".join("%s: %s\r\n" % pair for pair in answer.getheaders()) + "\r\n"
        show(o, flags, method, path, head, text, answer)
        location = answer.getheader("Location")
        if "location" in flags and location and 300 <= answer.status < 400:
            url = urllib.parse.urljoin(url, location)
            if answer.status in (301, 302, 303): o["data"], o["forms"], o["method"] = [], [], None
            continue
        if o["jar"]:
            with open(o["jar"], "w", encoding="utf-8") as file:
                file.write("# Netscape HTTP Cookie File\n")
                file.writelines("%s\tFALSE\t/\tFALSE\t0\t%s\t%s\n" % (host, key, value) for key, value in o["cookies"].items())
        if "fail" in flags and answer.status >= 400:
            return fail(22, "The requested URL returned error: %d" % answer.status)
        return 0
    return fail(47, "Maximum (20) redirects followed")

def show(o, flags, method, path, head, text, answer):
    redirected = "location" in flags and answer.getheader("Location") and 300 <= answer.status < 400
    if "verbose" in flags:
        sys.stderr.write("> %s %s HTTP/1.1\n" % (method, path) + "".join("< %s\n" % line for line in head.split("\r\n")[:-1]))
    out = b""
    if "include" in flags or "head" in flags: out += head.encode()
    if not redirected and not ("fail" in flags and answer.status >= 400): out += text
    if o["out"]:
        with open(o["out"], "wb") as file: file.write(out)
    elif "remote-name" in flags:
        with open(os.path.basename(path.split("?")[0]) or "index.html", "wb") as file: file.write(out)
    else:
        sys.stdout.buffer.write(out)
    if o["write"] and not redirected:
        filled = o["write"].replace("%{http_code}", str(answer.status)).replace("%{response_code}", str(answer.status))
        sys.stdout.buffer.write(filled.replace("\\n", "\n").encode())
    sys.stdout.flush()

sys.exit(main(sys.argv[1:]))
'''

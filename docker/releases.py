"""What `proctor bisect` asks of pip. Run it with the environment's own Python:

  releases.py list NAME...                      which package each name is of (a module's or a package's), and that package's releases
  releases.py wheels DIR TIME REQUIREMENT...    put wheels of the requirements into DIR. With TIME `-`: of these alone, whatever they depend on.
                                                Else of all that they need, as if it were that time

Every answer is a line of standard output that starts with `proctor-`. Whatever pip is configured with applies: its index, certificates and proxies. pip has no
command that tells when a release was made, and before version 26 none that keeps to a time, so this works inside of it, on what it has had since version 22.3."""
import datetime
import importlib.metadata
import json
import os
import sys

from pip._internal.cli.main import main as pip
from pip._internal.commands import create_command
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.link import Link
from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet
from pip._vendor.packaging.utils import canonicalize_name, canonicalize_version

JSON = "application/vnd.pypi.simple.v1+json"
# A release is made of several files, and what it needs is often released with it.
MARGIN = datetime.timedelta(days=1)
UPLOADED = {}


def say(kind, what):
    print(f"proctor-{kind} {what}", flush=True)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def remember_times():
    """Keep when a file was uploaded: older pips read it and forget it."""
    read = Link.from_json.__func__

    def from_json(cls, file, page):
        link = read(cls, file, page)
        if link is not None and file.get("upload-time"):
            UPLOADED[link.url] = file["upload-time"]
        return link

    Link.from_json = classmethod(from_json)


def keep_to(time):
    """Let pip see only what there was at that time. What has no time, it sees."""
    last = moment(time) + MARGIN
    find = PackageFinder.find_all_candidates

    def find_all_candidates(self, name):
        found = find(self, name)
        return [one for one in found if one.link.url not in UPLOADED or moment(UPLOADED[one.link.url]) <= last]

    PackageFinder.find_all_candidates = find_all_candidates


def ask(name):
    """All files of a package that fit here, and all versions that the index names. An exception if the index does not answer."""
    command = create_command("download")
    with command.main_context():
        options, _ = command.parse_args(["--pre", name])
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session, ignore_requires_python=True)
        versions, failed, answered = set(), None, False
        if not options.no_index:
            for page in finder.search_scope.get_index_urls_locations(name):
                if not page.startswith("http"):
                    answered = True
                    continue
                try:
                    answer = session.get(page, headers={"Accept": f"{JSON}, text/html; q=0.1"})
                except Exception as error:  # of requests, urllib3 or the system
                    failed = error
                    continue
                if answer.status_code >= 400 and answer.status_code != 404:
                    failed = f"it answers {answer.status_code} {answer.reason}"
                    continue
                answered = True
                if answer.headers.get("Content-Type", "").startswith(JSON):
                    versions.update(answer.json().get("versions", []))
        # A folder of wheels may be all that there is.
        if failed is not None and not answered:
            raise ConnectionError(str(failed))
        return finder.find_all_candidates(name), versions


def fits(link):
    try:
        return SpecifierSet(link.requires_python or "").contains(".".join(map(str, sys.version_info[:3])), prereleases=True)
    except InvalidSpecifier:
        return True


def releases(name):
    files, versions = ask(name)
    found = {}
    for file in files:
        found.setdefault(str(file.version), []).append(file.link)
    listed = []
    for version, links in found.items():
        times = sorted(UPLOADED[link.url] for link in links if link.url in UPLOADED)
        why = None if any(map(fits, links)) else f"asks for Python {links[0].requires_python}"
        listed.append({"version": version, "uploaded": times[0] if times else None, "yanked": all(link.is_yanked for link in links), "why": why})
    known = {canonicalize_version(version) for version in found}
    for version in versions:
        if canonicalize_version(version) not in known:
            listed.append({"version": version, "uploaded": None, "yanked": False, "why": "has no file that fits here"})
    return listed


def needs(package):
    """All that a package needs, the nearest first, without extras."""
    found, rest = [], [package]
    while rest:
        try:
            lines = importlib.metadata.requires(rest.pop(0)) or []
        except importlib.metadata.PackageNotFoundError:  # what only other systems need
            continue
        for line in lines:
            end = next((at for at, letter in enumerate(line) if not (letter.isalnum() or letter in "-_.")), len(line))
            name = canonicalize_name(line[:end])
            if "extra ==" not in line and name not in found:
                found.append(name)
                rest.append(name)
    return found


def listing(names):
    of_module = importlib.metadata.packages_distributions()
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in importlib.metadata.distributions() if one.metadata["Name"]}
    for name in names:
        package = canonicalize_name(name)
        if package not in installed:
            package = next((canonicalize_name(one) for one in of_module.get(name, [])), None)
        answer = {"asked": name, "package": package, "version": installed.get(package), "python": ".".join(map(str, sys.version_info[:3]))}
        if package:
            try:
                answer |= {"needs": needs(package), "releases": releases(package)}
            except Exception as error:
                say("offline", f"{type(error).__name__}: {error}".replace("\n", " "))
                return 1
        say("answer", json.dumps(answer))
    return 0


def wheels(folder, time, requirements):
    first = requirements[0].split("==")[0]
    arguments = ["wheel", "--wheel-dir", folder, "--progress-bar", "off", *requirements]
    if time == "-":
        arguments.append("--no-deps")
    else:
        keep_to(time)
    status = pip(arguments)
    if status == 0 and os.listdir(folder):
        return 0
    # Was it the release, or the way to it?
    try:
        if not ask(first)[0]:
            raise ConnectionError("it has no files of the package any more")
    except Exception as error:
        say("offline", f"{type(error).__name__}: {error}".replace("\n", " "))
        return 1
    say("refused", "it cannot be installed")
    return 1


remember_times()
command, *rest = sys.argv[1:]
sys.exit(listing(rest) if command == "list" else wheels(rest[0], rest[1], rest[2:]))

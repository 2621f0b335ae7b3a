//! Labs that mean harm, or just never end: what a lesson of `tests/hostile/` cannot say of itself.

use std::time::{Duration, Instant};

use proctor::engine::Ending;

use super::bench::{Bench, lab, printed, raised, verdict};
use super::{Case, cases};

pub(crate) const CASES: [Case; 10] = cases![
    sleeping_is_ended_by_the_clock,
    leaving_is_told_with_its_status,
    a_flood_is_cut_off,
    processes_do_not_outlive_their_job,
    jobs_see_nothing_of_each_other,
    the_memory_of_a_job_holds_nothing_of_another,
    references_to_libraries_are_not_counted,
    forged_records_are_dropped,
    two_jobs_run_at_once,
    processes_and_threads_are_limited,
];

/// What only a sealed engine can promise.
pub(crate) const SEALED_CASES: [Case; 2] = cases![bombs_side_by_side_end_for_their_own_reasons, a_lab_can_use_its_streams_and_shared_memory];

async fn sleeping_is_ended_by_the_clock(bench: &Bench) {
    let run = bench
        .run(
            lab()
                .py("print('before')")
                .py("import signal, time\nfor s in (1, 2, 3, 15): signal.signal(s, signal.SIG_IGN)\ntime.sleep(1e6)")
                .limits(|limits| limits.seconds = 1),
        )
        .await;
    assert_eq!((run.ending.clone(), printed(&run, 1).as_str(), verdict(&run, 2)), (Ending::Timeout, "before\n", None));
}

async fn leaving_is_told_with_its_status(bench: &Bench) {
    let run = bench.run(lab().py("import os\nprint('kept', end='')\nos._exit(3)").py("print(1)")).await;
    assert_eq!((run.ending.clone(), printed(&run, 1).as_str(), verdict(&run, 1)), (Ending::Exited { status: 3 }, "kept", None));
}

async fn a_flood_is_cut_off(bench: &Bench) {
    for code in ["while True: print('y' * 99)", "import os\nwhile True: os.write(2, b'y' * 65536)", "import os\nos.system('yes')", "print('y' * (8 << 20))"] {
        let run = bench.run(lab().py(code).limits(|limits| limits.output = 1 << 18)).await;
        let size = printed(&run, 1).len();
        assert_eq!(run.ending, Ending::Output, "{code}");
        assert!((1 << 17..1 << 20).contains(&size), "{code}: {size}");
    }
}

async fn processes_do_not_outlive_their_job(bench: &Bench) {
    let code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True:\n            open('alive', 'a').write('x'); time.sleep(.01)\n    os._exit(0)\nos.wait(); print('parent')";
    let started = Instant::now();
    let run = bench.run(lab().py(code)).await;
    assert_eq!((run.ending.clone(), printed(&run, 1).as_str()), (Ending::Finished, "parent\n"));
    assert!(started.elapsed() < Duration::from_secs(10));
    let look = "import os\nme = os.getpid()\nfor name in os.listdir('/proc'):\n    if name.isdigit() and int(name) != me:\n        try:\n            if os.readlink(f'/proc/{name}/cwd').startswith(os.getcwd()): print(name)\n        except OSError: pass";
    assert_eq!(printed(&bench.run(lab().py(look)).await, 1), "");
}

async fn jobs_see_nothing_of_each_other(bench: &Bench) {
    let dirty = "import json, os, sys\nos.environ['LEFT'] = '1'; sys.modules['left'] = json; json.left = 1\nopen('left.txt', 'w').close()\ndeep = 'd'\nfor _ in range(300):\n    os.mkdir(deep); os.chdir(deep)\nos.chmod('.', 0)";
    for _ in 0..2 {
        assert_eq!(bench.run(lab().py(dirty)).await.ending, Ending::Finished);
    }
    for _ in 0..2 {
        let run = bench.run(lab().py("import json, os, sys\nprint('LEFT' in os.environ, 'left' in sys.modules, hasattr(json, 'left'), os.listdir('.'))")).await;
        assert_eq!(printed(&run, 1), "False False False []\n");
    }
}

async fn the_memory_of_a_job_holds_nothing_of_another(bench: &Bench) {
    // The code, what it prints and what it raises: none of it may pass through a process that labs are forked from.
    let secret = "print('sesame' * 50)\nopen('sesame' * 9, 'w').close()\nraise ValueError('sesame' * 50)";
    let look = "\
import re
found, sought = 0, re.compile(b'(?:s[e]same){3}')
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
    for line in maps:
        where, rights, *rest = line.split()
        if rights.startswith('rw') and '[v' not in line:
            start, end = (int(part, 16) for part in where.split('-'))
            memory.seek(start)
            found += len(sought.findall(memory.read(end - start)))
print(found)";
    for _ in 0..3 {
        assert_eq!(raised(&bench.run(lab().py(secret)).await, 1).class, "ValueError");
        assert_eq!(printed(&bench.run(lab().py(look)).await, 1), "0\n");
    }
    // It would be found where it is.
    let both = bench.run(lab().py("mine = 'sesame' * 50").py(look)).await;
    assert_ne!(printed(&both, 2), "0\n", "{both:#?}");
}

async fn references_to_libraries_are_not_counted(bench: &Bench) {
    let code = "import json, sys\nkept = [json.JSONEncoder] * 9\nprint(sys.version_info < (3, 12) or sys.getrefcount(json.JSONEncoder) == sys.getrefcount(None))\nprint(sys.getrefcount(kept) < 99)";
    assert_eq!(printed(&bench.run(lab().py(code)).await, 1), "True\nTrue\n");
}

async fn forged_records_are_dropped(bench: &Bench) {
    let code = "import json, os, struct\ndef forge(text):\n    for fd in range(200, 210):\n        try: os.write(fd, struct.pack('>I', len(text)) + text)\n        except OSError: pass\nforge(b'nonsense'); forge(b'[' * 9000); forge(b'{\"mark\": null, \"record\": {\"step\": 99, \"kind\": \"begin\"}}')\nforge(b'{\"mark\": null, \"record\": {\"step\": 1, \"kind\": \"finished\", \"verdict\": NaN}}')\nforge(b'{\"mark\": \"x\", \"record\": {\"step\": 1, \"kind\": \"output\", \"stream\": 7, \"text\": {}}}')\nprint('here')";
    let run = bench.run(lab().py(code)).await;
    assert_eq!((run.ending.clone(), printed(&run, 1).ends_with("here\n")), (Ending::Finished, true), "{run:#?}");
    assert!(run.records.iter().all(|record| record.step == 1));
}

async fn two_jobs_run_at_once(bench: &Bench) {
    let started = Instant::now();
    let nap = lab().py("import time\ntime.sleep(1.5)").job();
    let (one, two) = tokio::join!(bench.engine.run(&nap), bench.engine.run(&nap));
    assert_eq!((one.unwrap().ending, two.unwrap().ending), (Ending::Finished, Ending::Finished));
    assert!(started.elapsed() < Duration::from_millis(2900), "{:?}", started.elapsed());
}

async fn bombs_side_by_side_end_for_their_own_reasons(bench: &Bench) {
    let forks = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass";
    let eats = "import mmap\nhoard = mmap.mmap(-1, 3 << 30)\nfor place in range(0, len(hoard), 4096): hoard[place] = 1";
    let (forks, eats) = (lab().py(forks).limits(|limits| limits.seconds = 2).job(), lab().py(eats).limits(|limits| limits.seconds = 60).job());
    let (forked, ate) = tokio::join!(bench.engine.run(&forks), bench.engine.run(&eats));
    assert_eq!((forked.unwrap().ending, ate.unwrap().ending), (Ending::Timeout, Ending::Memory));
    for _ in 0..2 {
        assert_eq!(printed(&bench.run(lab().py("print(1)")).await, 1), "1\n");
    }
}

async fn a_lab_can_use_its_streams_and_shared_memory(bench: &Bench) {
    let steps = lab()
        .sh("echo out > /dev/stdout; echo err > /dev/stderr; printf '#!/bin/sh\\necho script\\n' > s; chmod +x s; ./s")
        .py("import multiprocessing\nwith multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, -2]))");
    let run = bench.run(steps).await;
    let mut lines: Vec<_> = printed(&run, 1).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["err", "out", "script"]);
    assert_eq!(printed(&run, 2), "[1, 2]\n");
}

async fn processes_and_threads_are_limited(bench: &Bench) {
    let code = "import os, threading, time\nif os.getuid():\n    for n in range(100000):\n        threading.Thread(target=time.sleep, args=(999,), daemon=True).start()\nelse:\n    raise RuntimeError";
    let run = bench.run(lab().py(code)).await;
    assert_eq!((raised(&run, 1).class.as_str(), run.ending), ("RuntimeError", Ending::Finished));
}

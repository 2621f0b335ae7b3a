//! What labs print, warn, raise and leave out.

use proctor::engine::Ending;
use proctor::engine::protocol::{Action, RecordEvent, Stream, Verdict};

use super::bench::{Bench, finished, lab, missed, outputs, printed, raised, verdict, warnings};
use super::{Case, cases};

pub(crate) const CASES: [Case; 19] = cases![
    output_carries_its_line,
    output_of_subprocesses_stands_where_it_was_printed,
    streams_are_told_apart,
    a_warning_carries_its_place_and_comes_once_a_line,
    filters_that_the_lab_sets_hold,
    an_exception_carries_what_it_is_about,
    a_syntax_error_has_its_line_and_column,
    what_needs_a_failed_step_is_skipped,
    exits_pass_or_fail_by_their_status,
    a_module_runs_statement_by_statement,
    packages_and_their_relative_imports_work,
    lines_that_never_ran_are_missed,
    a_console_shows_values,
    what_is_not_judged_is_not_recorded,
    labs_are_real_modules_with_clean_surroundings,
    a_shell_keeps_its_state,
    features_carry_over_and_sources_are_found,
    threads_and_exits_belong_to_the_last_step,
    without_a_service_nothing_runs,
];

async fn without_a_service_nothing_runs(bench: &Bench) {
    let run = bench.run(lab().py("print(1)").service("gopher")).await;
    assert!(matches!(&run.ending, Ending::NoService { service, why } if service == "gopher" && !why.is_empty()), "{run:#?}");
    assert!(run.records.is_empty(), "{run:#?}");
    let run = bench.run(lab().py("print(1)")).await;
    assert_eq!((printed(&run, 1).as_str(), run.ending), ("1\n", Ending::Finished));
}

async fn output_carries_its_line(bench: &Bench) {
    let run = bench.run(lab().py("def f():\n    print('in')\nf(); print('a', 'é')\nprint('b', end='')\nprint('c')")).await;
    let lines: Vec<_> = outputs(&run, 1);
    let wanted = [(Some(11), "in\n"), (Some(12), "a é\n"), (Some(13), "b"), (Some(14), "c\n")];
    assert_eq!(lines, wanted.map(|(line, text)| (line, text.to_owned())));
    assert_eq!((verdict(&run, 1), run.ending), (Some(Verdict::Passed), Ending::Finished));
}

async fn output_of_subprocesses_stands_where_it_was_printed(bench: &Bench) {
    let code = "import os, subprocess\nfor n in range(20):\n    print(n)\n    subprocess.run(['echo', 'x'])\nos.write(1, b'raw\\n')\nprint('end')";
    let run = bench.run(lab().py(code).py("print('next')")).await;
    let wanted: String = (0..20).map(|n| format!("{n}\nx\n")).collect();
    assert_eq!(printed(&run, 1), format!("{wanted}raw\nend\n"));
    assert_eq!(printed(&run, 2), "next\n");
}

async fn streams_are_told_apart(bench: &Bench) {
    let code = "import logging, sys\nlogging.warning('careful')\nsys.stdout.buffer.write(b'bytes\\xff\\n')\nprint(sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno())\ntry:\n    print('\\ud800')\nexcept UnicodeEncodeError:\n    print('refused')";
    let run = bench.run(lab().py(code)).await;
    let of = |wanted: Stream| -> String {
        let texts = run.records.iter().filter_map(|record| match &record.event {
            RecordEvent::Output { stream, text, .. } if *stream == wanted => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    };
    assert_eq!(of(Stream::Stderr), "WARNING:root:careful\n");
    assert_eq!(of(Stream::Stdout), "bytes\u{fffd}\nFalse utf-8 1\nrefused\n");
}

async fn a_warning_carries_its_place_and_comes_once_a_line(bench: &Bench) {
    // What counts is the innermost line of the guide: that of the deprecated call, however often it is reached.
    let code = "import warnings\ndef old():\n    warnings.warn('gone soon', DeprecationWarning)\nfor _ in range(3): x = old()\nold(); warnings.warn('b'); warnings.warn('b')";
    let run = bench
        .run(lab().py(code).py("s = '\\d'").py("import logging\nlogging.basicConfig(); logging.captureWarnings(True)\nimport warnings\nwarnings.warn('c')"))
        .await;
    let found = warnings(&run, 1);
    let said: Vec<_> = found.iter().map(|warning| (warning.category.as_str(), warning.message.as_str())).collect();
    assert_eq!(said, [("DeprecationWarning", "gone soon"), ("UserWarning", "b")]);
    let places: Vec<_> = found[0].frames.iter().map(|frame| (frame.line, frame.column, frame.end_column, frame.function.as_str())).collect();
    assert_eq!(places, [(13, Some(23), Some(28), "<module>"), (12, Some(4), Some(50), "old")]);
    assert_eq!((found[0].bases.as_slice(), printed(&run, 1).as_str()), (["Warning".to_owned()].as_slice(), ""));
    let compiled = &warnings(&run, 2)[0];
    assert!(compiled.category.ends_with("Warning") && compiled.message.contains("escape"), "{compiled:#?}");
    assert_eq!((compiled.frames[0].file.as_str(), compiled.frames[0].line), ("guide.md", 20));
    assert!(warnings(&run, 3).len() == 1 && printed(&run, 3).contains("UserWarning: c"), "{run:#?}");
}

async fn filters_that_the_lab_sets_hold(bench: &Bench) {
    let code = "import warnings\nwith warnings.catch_warnings(record=True) as caught:\n    warnings.warn('a')\nprint(len(caught))\nwarnings.simplefilter('error')\nwarnings.warn('b')";
    let run = bench.run(lab().py(code)).await;
    assert_eq!((printed(&run, 1).as_str(), warnings(&run, 1).len()), ("1\n", 0));
    assert_eq!(raised(&run, 1).class, "UserWarning");
}

async fn an_exception_carries_what_it_is_about(bench: &Bench) {
    let steps = lab()
        .py("def inner():\n    return missing\ninner()")
        .py("import json\njson.lods")
        .py("from json import lods")
        .py("import nowhere_to_be_found")
        .py("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('k') from error")
        .py("open('none.txt')");
    let run = bench.run(steps).await;
    let name = raised(&run, 1);
    assert_eq!((name.class.as_str(), name.name.as_deref(), name.message.as_str()), ("NameError", Some("missing"), "name 'missing' is not defined"));
    let places: Vec<_> = name.frames.iter().map(|frame| (frame.file.as_str(), frame.line, frame.column, frame.function.as_str())).collect();
    assert_eq!(places, [("guide.md", 12, Some(0), "<module>"), ("guide.md", 11, Some(11), "inner")]);
    assert_eq!(name.frames[0].module, "__main__");
    let attribute = raised(&run, 2);
    assert_eq!((attribute.name.as_deref(), attribute.object.as_deref()), (Some("lods"), Some("json")));
    let import = raised(&run, 3);
    assert_eq!((import.name.as_deref(), import.object.as_deref()), (Some("lods"), Some("json")));
    let module = raised(&run, 4);
    assert_eq!((module.class.as_str(), module.name.as_deref()), ("ModuleNotFoundError", Some("nowhere_to_be_found")));
    let cause = raised(&run, 5).cause.unwrap();
    assert_eq!((cause.class.as_str(), cause.bases[1].as_str()), ("ZeroDivisionError", "builtins.ArithmeticError"));
    assert_eq!(raised(&run, 6).name.as_deref(), Some("none.txt"));
}

async fn a_syntax_error_has_its_line_and_column(bench: &Bench) {
    let run = bench.run(lab().py("x = 1\ny = = 2").py("print(1)")).await;
    let error = raised(&run, 1);
    assert_eq!((error.class.as_str(), error.syntax, error.frames.len()), ("SyntaxError", Some((11, 5)), 0));
    assert_eq!(printed(&run, 2), "1\n");
}

async fn what_needs_a_failed_step_is_skipped(bench: &Bench) {
    let run = bench.run(lab().py("1 / 0").py("print(1)").needs(&[1]).py("print(2)").needs(&[2]).py("print(3)")).await;
    assert_eq!(finished(&run, 2), Some((Verdict::Skipped, Some(1), None)));
    assert_eq!(finished(&run, 3), Some((Verdict::Skipped, Some(2), None)));
    assert_eq!(printed(&run, 4), "3\n");
    assert_eq!(run.ending, Ending::Finished);
}

async fn exits_pass_or_fail_by_their_status(bench: &Bench) {
    let run = bench.run(lab().py("import sys\nsys.exit()").py("sys.exit(0)").py("sys.exit(2)").py("raise KeyboardInterrupt").py("print('still')")).await;
    let verdicts: Vec<_> = (1..=5).map(|step| verdict(&run, step).unwrap()).collect();
    assert_eq!(verdicts, [Verdict::Passed, Verdict::Passed, Verdict::Failed, Verdict::Failed, Verdict::Passed]);
    assert_eq!((raised(&run, 3).class.as_str(), raised(&run, 4).class.as_str()), ("SystemExit", "KeyboardInterrupt"));
}

async fn a_module_runs_statement_by_statement(bench: &Bench) {
    let text = "a = 1\nb = 1 / 0\nc = b\nd = 4\nfrom __future__ import annotations\ndef f(x: Nowhere): pass\n";
    let mut steps = lab().file("models.py", text).py("import models\nprint(models.a, models.d, hasattr(models, 'b'), models.__file__[-15:])");
    for code in ["a = 1", "b = 1 / 0", "c = b", "d = 4", "from __future__ import annotations", "def f(x: Nowhere): pass"] {
        steps = steps.module("models", Some("models.py"), code);
        if code == "c = b" {
            steps = steps.needs(&[3]);
        }
    }
    let run = bench.run(steps.action(Action::Import { module: "models".to_owned() })).await;
    assert_eq!(printed(&run, 1), "1 4 False /work/models.py\n");
    let verdicts: Vec<_> = (1..=8).map(|step| verdict(&run, step).unwrap()).collect();
    assert_eq!(verdicts[..4], [Verdict::Passed, Verdict::Passed, Verdict::Failed, Verdict::Skipped]);
    assert_eq!(verdicts[4..], [Verdict::Passed; 4]);
    assert_eq!(raised(&run, 3).frames[0].module, "models");
}

async fn packages_and_their_relative_imports_work(bench: &Bench) {
    let steps = lab()
        .file("shop/__init__.py", "from .models import price\n")
        .file("shop/models.py", "price = 3\n")
        .file("plain/tool.py", "from shop import price\nprint('plain', price)\n")
        .py("import plain.tool\nfrom shop.models import price")
        .module("shop", Some("shop/__init__.py"), "from .models import price")
        .module("shop.models", Some("shop/models.py"), "price = 3; print(__name__, __package__)")
        .module("unused", Some("unused.py"), "print('never')");
    let run = bench.run(steps).await;
    assert_eq!((printed(&run, 3).as_str(), printed(&run, 1).as_str()), ("shop.models shop\n", "plain 3\n"));
    assert_eq!((verdict(&run, 1), verdict(&run, 4)), (Some(Verdict::Passed), None));
}

async fn lines_that_never_ran_are_missed(bench: &Bench) {
    let steps = lab()
        .py("for row in []:\n    print(row)\n    print(row)")
        .py("if __name__ == '__main__':\n    x = 1\nelse:\n    x = 2")
        .py("def f():\n    return 1")
        .py("try:\n    x = 1\nexcept ValueError:\n    x = 2\nfinally:\n    x = 3")
        .py("with open('f', 'w') as f:\n    for x in (1, 2):\n        if x > 2:\n            print(\n                x)\n        f.write('x')");
    let run = bench.run(steps).await;
    let all: Vec<_> = (1..=5).map(|step| missed(&run, step)).collect();
    assert_eq!(all, [vec![(11, 12)], vec![(23, 23)], vec![], vec![], vec![(53, 54)]]);
}

async fn a_console_shows_values(bench: &Bench) {
    let run = bench.run(lab().console("x = 2\nx + 1\nNone\n'a'\nprint(x)").py("x + 1")).await;
    assert_eq!(outputs(&run, 1), [(Some(11), "3\n"), (Some(13), "'a'\n"), (Some(14), "2\n")].map(|(line, text)| (line, text.to_owned())));
    assert_eq!(printed(&run, 2), "");
}

async fn what_is_not_judged_is_not_recorded(bench: &Bench) {
    let quiet = "import os, warnings\nprint(1); os.system('echo 2'); warnings.warn('3')\nfor x in []:\n    pass";
    let run = bench.run(lab().py(quiet).unjudged().py("1 / 0").unjudged().py("print(4)")).await;
    assert_eq!((printed(&run, 1).as_str(), warnings(&run, 1).len(), missed(&run, 1).len()), ("", 0, 0));
    assert_eq!((verdict(&run, 1), raised(&run, 2).class.as_str()), (Some(Verdict::Passed), "ZeroDivisionError"));
    assert_eq!(printed(&run, 3), "4\n");
}

async fn labs_are_real_modules_with_clean_surroundings(bench: &Bench) {
    let code = "import inspect, os, pickle, sys\nclass A:\n    pass\npickle.loads(pickle.dumps(A()))\nprint(sys.modules['__main__'].A is A, sys.argv[0] == __file__, sys.path[0] == os.getcwd() == os.path.dirname(__file__))\nprint(os.listdir('.'), sorted(set(os.environ) & {'CARGO', 'PROCTOR_LABS', 'SSH_AUTH_SOCK', 'CARGO_MANIFEST_DIR'}))\nprint(sorted(os.listdir('/proc/self/fd'), key=int)[:3], inspect.getsource(f) if 'f' in dir() else '')\ntry:\n    input('name? ')\nexcept EOFError:\n    print('EOF')\nprint(list({'a', 'b', 'c', 'd'}) == list({'a', 'b', 'c', 'd'}), __builtins__.__name__, __annotations__)";
    let run = bench.run(lab().py(code)).await;
    assert_eq!(printed(&run, 1), "True True True\n[] []\n['0', '1', '2'] \nname? EOF\nTrue builtins {}\n");
}

async fn a_shell_keeps_its_state(bench: &Bench) {
    let steps = lab()
        .file("one.txt", "1\n")
        .sh("export A=1; B='x y'; mkdir d && cd d")
        .sh("pwd | tail -c 7; echo $A $B; exit 3")
        .sh("cd ..; cat; cat one.txt; python -c 'import sys; print(sys.version_info[0])'")
        .py("import os\nprint(os.path.isdir('d'))")
        .sh("if then");
    let run = bench.run(steps).await;
    assert_eq!((printed(&run, 2).as_str(), finished(&run, 2)), ("work/d\n1 x y\n", Some((Verdict::Failed, None, Some(3)))));
    assert_eq!((printed(&run, 3).as_str(), finished(&run, 3)), ("1\n3\n", Some((Verdict::Passed, None, Some(0)))));
    assert_eq!(printed(&run, 4), "True\n");
    assert!(printed(&run, 5).contains("yntax error") && verdict(&run, 5) == Some(Verdict::Failed), "{run:#?}");
}

async fn features_carry_over_and_sources_are_found(bench: &Bench) {
    let steps = lab()
        .py("from __future__ import annotations")
        .py("def f(x: Nowhere) -> int:\n    return 1")
        .py("import inspect, traceback\nprint(inspect.getsource(f))\ntry:\n    missing\nexcept NameError:\n    traceback.print_exc()")
        .py("import dataclasses\n@dataclasses.dataclass\nclass D:\n    a: int = 1\nprint(D())")
        .file("random.py", "def choice(of):\n    return 'mine'\n")
        .py("import random\nprint(random.choice('ab'))");
    let run = bench.run(steps).await;
    assert_eq!(verdict(&run, 2), Some(Verdict::Passed));
    let text = printed(&run, 3);
    assert!(text.starts_with("def f(x: Nowhere) -> int:\n    return 1\n"), "{text}");
    assert!(text.contains("File \"guide.md\", line 33, in <module>\n    missing\n"), "{text}");
    assert_eq!((printed(&run, 4).as_str(), printed(&run, 5).as_str()), ("D(a=1)\n", "mine\n"));
}

async fn threads_and_exits_belong_to_the_last_step(bench: &Bench) {
    let code = "import atexit, threading, time\natexit.register(print, 'exit')\nthreading.Thread(target=lambda: (time.sleep(.2), print('thread'))).start()\nthreading.Thread(target=time.sleep, args=[999], daemon=True).start()";
    let run = bench.run(lab().py(code).py("print('last')")).await;
    assert_eq!((printed(&run, 2).as_str(), run.ending), ("last\nthread\nexit\n", Ending::Finished));
}

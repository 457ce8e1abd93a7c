"""Plugins are loaded by exact name, strictly; every problem is an error that names the distribution and the cure."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner

from eventlite.errors import ConflictError, PluginError, ProfileError
from eventlite.offers import lacking
from eventlite.plugins import MAKERS, PluginInfo, ask, available, component, listeners, load_plugins, make
from eventlite.profile import Profile, load_profile

#: The smallest plugin that passes every check, for the concern whose maker takes settings only.
CACHE = """
    '''A cache for tests.

    Its second paragraph.
    '''
    from pydantic import BaseModel
    from eventlite import hookimpl
    CONTRACT = 1
    class Settings(BaseModel, extra="forbid"):
        max_size: int = 3
    @hookimpl
    def eventlite_make_cache(settings):
        return ["made by MODULE", settings.max_size]
"""


class Site:
    """A directory of installed distributions, as pip leaves them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.modules: set[str] = set()

    def install(
        self,
        distribution: str,
        entry_points: Mapping[str, Mapping[str, str]],
        modules: Mapping[str, str],
        *,
        version: str = "2.5",
        metadata: str = "",
    ) -> None:
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(head + metadata)
        lines = [
            line
            for concern, names in entry_points.items()
            for line in (f"[eventlite.{concern}]", *(f"{name} = {value}" for name, value in names.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for name, source in modules.items():
            (self.path / f"{name}.py").write_text(dedent(source).replace("MODULE", name))
            self.modules.add(name)
        importlib.invalidate_caches()

    def cache(self, source: str, *, module: str = "strange_cache", name: str = "strange", **more: Any) -> None:
        """Install one distribution with one cache plugin."""
        self.install(f"dist-of-{module}", {"caching": {name: module}}, {module: source}, **more)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.syspath_prepend(str(path))
    site = Site(path)
    yield site
    for module in site.modules:
        sys.modules.pop(module, None)


@pytest.fixture
def profile_with() -> Callable[..., Profile]:
    """A profile of the smallest plugins, but for what is given: `caching="x"`, `extensions=[...]`."""

    def build(*, extensions: tuple[str, ...] = (), **names: Any) -> Profile:
        smallest = {"storage": "memory", "indexing": "none", "caching": "none", "bulk": "files", "jobs": "threads"}
        sections = {concern: {"plugin": name} for concern, name in (smallest | names).items()}
        return replace(load_profile("balanced", sections), extensions=extensions)

    return build


def caught(call: Callable[[], object]) -> PluginError:
    with pytest.raises(PluginError) as caught:
        call()
    return caught.value


def info_of(concern: str, name: str) -> PluginInfo:
    return next(info for info in available() if (info.concern, info.name) == (concern, name))


def test_only_what_the_profile_names_is_imported(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE)
    site.cache("raise RuntimeError('imported without being named')", module="unnamed_cache", name="unnamed")
    plugins = load_plugins(profile_with(caching="strange"))
    assert plugins.names == {
        "storage": "memory", "indexing": "none", "caching": "strange", "bulk": "files", "jobs": "threads",
    }  # fmt: skip
    assert "unnamed_cache" not in sys.modules
    assert len(plugins.manager.get_plugins()) == 5


def test_the_maker_is_called_with_the_validated_section(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE)
    plugins = load_plugins(profile_with(caching="strange"))
    made = make(plugins, "caching", "eventlite_make_cache", settings=plugins.settings["caching"])
    assert made == ["made by strange_cache", 3]


def test_a_section_that_the_model_refuses_is_an_error_of_the_profile(site: Site) -> None:
    site.cache(CACHE)
    with pytest.raises(ProfileError, match="max_sise"):
        load_plugins(load_profile("balanced", {"caching": {"plugin": "strange", "max_sise": 5}}))


@pytest.mark.parametrize("concern", MAKERS)
def test_an_unknown_name_is_answered_with_the_one_meant(concern: str, profile_with: Callable[..., Profile]) -> None:
    known = {"storage": "sqlite", "indexing": "declared", "caching": "dogpile", "bulk": "files", "jobs": "threads"}
    name = known[concern]
    error = caught(lambda: load_plugins(profile_with(**{concern: name[:-1]})))
    assert f"{concern}.plugin" in str(error)
    assert f"{concern}:{name[:-1]}" in str(error)
    assert f"Did you mean {name!r}?" in str(error)


def test_an_unknown_name_that_resembles_none_lists_what_is_installed(profile_with: Callable[..., Profile]) -> None:
    error = caught(lambda: load_plugins(profile_with(storage="zzz")))
    assert "Installed: memory, postgres, sqlite" in str(error)


@pytest.mark.parametrize("name", ["Strange-er", "strange_er", "strange", "strange-er "])
def test_names_are_exact(name: str, site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE, name="strange-er")
    assert "no installed distribution offers" in caught(lambda: load_plugins(profile_with(caching=name))).message


def test_an_unknown_extension_is_named_with_its_key(profile_with: Callable[..., Profile]) -> None:
    error = caught(lambda: load_plugins(profile_with(extensions=("metrics",))))
    assert "profile.extensions" in str(error)
    assert "extensions:metrics" in str(error)


def test_two_distributions_with_one_name_are_both_named(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE, module="one")
    site.cache(CACHE, module="other", version="7")
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "dist-of-one 2.5 and dist-of-other 7" in error.message
    assert "pip uninstall" in str(error.hint)
    assert {info.problem for info in available() if info.name == "strange"} == {str(error)}


def test_a_stranger_cannot_take_the_name_of_a_first_party_plugin(
    site: Site, profile_with: Callable[..., Profile]
) -> None:
    site.cache(CACHE, name="none")
    error = caught(lambda: load_plugins(profile_with(caching="none")))
    assert "dist-of-strange_cache 2.5" in error.message
    assert "eventlite-sourcing" in error.message


def test_a_missing_module_is_named_with_the_distribution(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache("import not_there.inner")
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "plugin caching:strange (dist-of-strange_cache 2.5) needs the module not_there" in error.message
    assert "pip install" in str(error.hint)
    assert "dist-of-strange_cache" in str(error.hint)


@pytest.mark.parametrize(
    ("name", "requires"),
    [
        ("strange", "Provides-Extra: strange\nRequires-Dist: something-else>=3; extra == 'strange'\n"),
        (
            "other",
            'Provides-Extra: strange\nRequires-Dist: Not_There[x]>=1; python_version > "3" and extra == "strange"\n',
        ),
    ],
    ids=["named like the plugin", "that brings the module"],
)
def test_a_missing_extra_is_named(name: str, requires: str, site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache("import not_there", name=name, metadata=requires)
    error = caught(lambda: load_plugins(profile_with(caching=name)))
    assert error.hint == 'pip install "dist-of-strange_cache[strange]"'
    assert info_of("caching", name).problem == str(error)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ValueError('odd weather')", "ValueError: odd weather"),
        ("from eventlite import nothing_of_that_name", "nothing_of_that_name"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_a_failing_import_is_named_with_its_reason(
    source: str, words: str, site: Site, profile_with: Callable[..., Profile]
) -> None:
    site.cache(source)
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "dist-of-strange_cache 2.5" in error.message
    assert words in error.message
    assert error.__cause__ is not None


def test_an_entry_point_that_leads_nowhere_is_an_error(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.install("lost", {"caching": {"strange": "lost_module:nothing"}}, {"lost_module": ""})
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "plugin caching:strange (lost 2.5)" in error.message
    assert "nothing" in error.message


def test_an_entry_point_may_lead_to_an_object(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = """
        from pydantic import BaseModel
        from eventlite import hookimpl
        class Plugin:
            CONTRACT = 1
            class Settings(BaseModel):
                pass
            @hookimpl
            def eventlite_make_cache(self, settings):
                return "made by a method"
        plugin = Plugin()
    """
    site.install("objects", {"caching": {"strange": "objects:plugin"}}, {"objects": source})
    plugins = load_plugins(profile_with(caching="strange"))
    made = make(plugins, "caching", "eventlite_make_cache", settings=plugins.settings["caching"])
    assert made == "made by a method"


@pytest.mark.parametrize(
    ("line", "words", "upgrade"),
    [
        ("CONTRACT = 2", "version 2 of the caching contract, this EventLite has 1", "eventlite-sourcing"),
        ("CONTRACT = 0", "version 0 of the caching contract, this EventLite has 1", "dist-of-strange_cache"),
    ],
)
def test_the_older_side_of_a_contract_is_to_be_upgraded(
    line: str, words: str, upgrade: str, site: Site, profile_with: Callable[..., Profile]
) -> None:
    site.cache(CACHE.replace("CONTRACT = 1", line))
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert words in error.message
    assert "dist-of-strange_cache 2.5" in error.message
    assert error.hint == f"pip install --upgrade {upgrade}"
    assert info_of("caching", "strange").contract == int(line[-1])


@pytest.mark.parametrize("line", ["", "CONTRACT = True", "CONTRACT = '1'"])
def test_a_plugin_says_which_contract_it_was_written_for(
    line: str, site: Site, profile_with: Callable[..., Profile]
) -> None:
    site.cache(CACHE.replace("CONTRACT = 1", line))
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "does not say which version of the caching contract" in error.message
    assert "CONTRACT = 1" in str(error.hint)
    assert info_of("caching", "strange").contract is None


@pytest.mark.parametrize("model", ["Other(BaseModel)", "Settings", "Settings(dict)"])
def test_a_plugin_has_a_model_of_its_settings(model: str, site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE.replace('Settings(BaseModel, extra="forbid")', model))
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "dist-of-strange_cache 2.5" in error.message
    assert "no model of its settings" in error.message


@pytest.mark.parametrize(
    "change",
    [("@hookimpl\n", "\n"), ("make_cache", "make_storage"), ("@hookimpl\n", "@hookimpl(wrapper=True)\n")],
    ids=["without the marker", "for another concern", "as a wrapper"],
)
def test_a_plugin_makes_what_it_is_named_for(
    change: tuple[str, str], site: Site, profile_with: Callable[..., Profile]
) -> None:
    site.cache(CACHE.replace(*change))
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "dist-of-strange_cache 2.5" in error.message
    assert "eventlite_make_cache" in error.message


@pytest.mark.parametrize(
    ("addition", "words"),
    [
        ("def eventlite_after_apend(events): ...", "Did you mean 'eventlite_after_append'?"),
        ("def eventlite_after_append(event): ...", "'event'"),
        ("def other_hook(): ...", "unknown hook 'other_hook'"),
    ],
)
def test_an_implementation_of_no_hook_is_an_error(
    addition: str, words: str, site: Site, profile_with: Callable[..., Profile]
) -> None:
    site.cache(dedent(CACHE) + f"\n@hookimpl\n{addition}\n")
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "plugin caching:strange (dist-of-strange_cache 2.5)" in error.message
    assert words in str(error)
    assert len(error.message.splitlines()) == 1
    assert info_of("caching", "strange").problem == str(error)


def test_pluggy_is_understood_as_it_is(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = dedent(CACHE).replace(
        "@hookimpl\ndef eventlite_make_cache", "@hookimpl(specname='eventlite_make_cache')\ndef anything"
    )
    site.cache(source + "\n@hookimpl(optionalhook=True)\ndef eventlite_of_a_later_version(): ...\n")
    plugins = load_plugins(profile_with(caching="strange"))
    made = make(plugins, "caching", "eventlite_make_cache", settings=plugins.settings["caching"])
    assert made == ["made by strange_cache", 3]


def test_one_module_for_two_concerns_is_registered_once(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = dedent(CACHE) + "\n@hookimpl\ndef eventlite_make_storage(settings): return 'storage'\n"
    offers = {"caching": {"strange": "both"}, "storage": {"strange": "both"}, "extensions": {"strange": "both"}}
    site.install("both-dist", offers, {"both": source})
    plugins = load_plugins(profile_with(caching="strange", storage="strange", extensions=("strange",)))
    assert plugins.chosen["caching"] is plugins.chosen["storage"]
    assert len(plugins.manager.get_plugins()) == 4
    assert make(plugins, "storage", "eventlite_make_storage", settings=None) == "storage"


def test_a_maker_answers_only_for_the_concern_it_was_named_for(
    site: Site, profile_with: Callable[..., Profile]
) -> None:
    source = (
        dedent(CACHE) + "\n@hookimpl(tryfirst=True)\ndef eventlite_make_storage(settings): return 'not asked for'\n"
    )
    site.cache(source)
    plugins = load_plugins(profile_with(caching="strange", storage="memory"))
    storage = make(plugins, "storage", "eventlite_make_storage", settings=plugins.settings["storage"])
    assert storage.head() == 0
    storage.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [("return None", "returned nothing from eventlite_make_cache"), ("return {}['x']", "KeyError: 'x'")],
)
def test_a_maker_that_fails_is_named(body: str, words: str, site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE.replace('return ["made by MODULE", settings.max_size]', body))
    plugins = load_plugins(profile_with(caching="strange"))
    error = caught(lambda: make(plugins, "caching", "eventlite_make_cache", settings=None))
    assert "plugin caching:strange (dist-of-strange_cache 2.5)" in error.message
    assert words in error.message


def test_a_component_has_the_methods_of_its_contract(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE)
    plugins = load_plugins(profile_with(caching="strange"))
    error = caught(lambda: component(plugins, "caching", settings=plugins.settings["caching"]))
    assert error.message == (
        "plugin caching:strange (dist-of-strange_cache 2.5) returned from eventlite_make_cache an object of type list, "
        "which lacks get, invalidate, put, stats"
    )
    assert "caching contract" in str(error)


@pytest.mark.parametrize("concern", MAKERS)
def test_what_lacks_everything_is_told_what_it_lacks(concern: str) -> None:
    assert len(lacking(concern, object())) >= 3


def test_a_plugin_that_cannot_be_hashed_is_an_error(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = """
        from dataclasses import dataclass
        from pydantic import BaseModel
        @dataclass
        class Plugin:
            CONTRACT = 1
            class Settings(BaseModel):
                pass
        plugin = Plugin()
    """
    site.install("objects", {"caching": {"strange": "objects:plugin"}}, {"objects": source})
    error = caught(lambda: load_plugins(profile_with(caching="strange")))
    assert "plugin caching:strange (objects 2.5) is an object of type Plugin, which cannot be hashed" in error.message


def test_an_error_of_ours_passes_a_maker_untouched(site: Site, profile_with: Callable[..., Profile]) -> None:
    raising = "from eventlite import ConflictError; raise ConflictError('taken', position=7)"
    site.cache(CACHE.replace('return ["made by MODULE", settings.max_size]', raising))
    plugins = load_plugins(profile_with(caching="strange"))
    with pytest.raises(ConflictError, match="taken") as caught:
        make(plugins, "caching", "eventlite_make_cache", settings=None)
    assert caught.value.position == 7


WRAPPER = """
    from eventlite import hookimpl
    CONTRACT = 1
    @hookimpl(wrapper=True)
    def eventlite_make_cache():
        made = yield
        return ["wrapped by MODULE", made]
"""


def test_extensions_wrap_in_the_order_of_the_profile(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.cache(CACHE)
    modules = {"outer": WRAPPER, "inner": WRAPPER}
    site.install("wrappers", {"extensions": {"outer": "outer", "inner": "inner"}}, modules)
    plugins = load_plugins(profile_with(caching="strange", extensions=("outer", "inner")))
    made = make(plugins, "caching", "eventlite_make_cache", settings=plugins.settings["caching"])
    assert made == ["wrapped by outer", ["wrapped by inner", ["made by strange_cache", 3]]]


def test_a_failing_wrapper_is_named(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = WRAPPER.replace("made = yield", "made = (yield).no_such_thing")
    site.install("wrappers", {"extensions": {"outer": "outer"}}, {"outer": source})
    plugins = load_plugins(profile_with(extensions=("outer",)))
    error = caught(lambda: make(plugins, "caching", "eventlite_make_cache", settings=None))
    assert "extensions:outer (wrappers 2.5)" in error.message
    assert "no_such_thing" in error.message


def test_an_extension_never_takes_the_place_of_a_plugin(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.install("usurpers", {"extensions": {"usurper": "usurper"}}, {"usurper": CACHE})
    error = caught(lambda: load_plugins(profile_with(extensions=("usurper",))))
    assert "extensions:usurper (usurpers 2.5)" in error.message
    assert "wrapper=True" in str(error.hint)


LISTENER = """
    from eventlite import hookimpl
    CONTRACT = 1
    heard = []
    @hookimpl
    def eventlite_after_append(events):
        heard.append(("MODULE", events))
    @hookimpl
    def eventlite_opened():
        heard.append("MODULE opened")
"""


def test_listeners_are_plain_functions_in_the_order_of_the_profile(
    site: Site, profile_with: Callable[..., Profile]
) -> None:
    names = ("first", "second")
    site.install("listening", {"extensions": {name: name for name in names}}, dict.fromkeys(names, LISTENER))
    plugins = load_plugins(profile_with(extensions=names))
    found = listeners(plugins.manager, "eventlite_after_append")
    assert [name for name, _ in found] == [f"plugin extensions:{name} (listening 2.5)" for name in names]
    for _, listener in found:
        listener(events=["e"])
    assert sys.modules["first"].heard == [("first", ["e"])]
    assert listeners(plugins.manager, "eventlite_closing") == ()


def test_a_listener_may_take_fewer_arguments(site: Site, profile_with: Callable[..., Profile]) -> None:
    site.install("listening", {"extensions": {"first": "first"}}, {"first": LISTENER})
    plugins = load_plugins(profile_with(extensions=("first",)))
    [(_, opened)] = listeners(plugins.manager, "eventlite_opened")
    opened(kernel="the kernel")
    assert sys.modules["first"].heard == ["first opened"]


def test_the_answers_of_all_plugins_are_asked_for_at_once(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = """
        from eventlite import hookimpl
        CONTRACT = 1
        @hookimpl
        def eventlite_formats():
            yield "MODULE format"
        @hookimpl
        def eventlite_opened(kernel):
            kernel.append("MODULE opened")
    """
    names = ("first", "second")
    site.install("asked", {"extensions": {name: name for name in names}}, dict.fromkeys(names, source))
    manager = load_plugins(profile_with(extensions=names)).manager
    assert ask(manager, "eventlite_formats")[:2] == ["first format", "second format"]
    opened: list[str] = []
    assert ask(manager, "eventlite_opened", kernel=opened) == []
    assert opened == ["first opened", "second opened"]


@pytest.mark.parametrize("body", ["return [{}['x']]", "yield {}['x']", "return 7"])
def test_whoever_fails_to_answer_is_named(body: str, site: Site, profile_with: Callable[..., Profile]) -> None:
    source = f"from eventlite import hookimpl\nCONTRACT = 1\n@hookimpl\ndef eventlite_formats(): {body}\n"
    site.install("asked", {"extensions": {"first": "first"}}, {"first": source})
    manager = load_plugins(profile_with(extensions=("first",))).manager
    error = caught(lambda: ask(manager, "eventlite_formats"))
    assert "plugin extensions:first (asked 2.5) failed in eventlite_formats" in error.message
    assert error.__cause__ is not None


def test_an_error_of_ours_passes_whoever_asks(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = """
        from eventlite import ConflictError, hookimpl
        CONTRACT = 1
        @hookimpl
        def eventlite_opened():
            raise ConflictError("not now", position=7)
    """
    site.install("asked", {"extensions": {"first": "first"}}, {"first": source})
    manager = load_plugins(profile_with(extensions=("first",))).manager
    with pytest.raises(ConflictError, match="not now"):
        ask(manager, "eventlite_opened", kernel=None)


def test_only_makers_can_be_wrapped(site: Site, profile_with: Callable[..., Profile]) -> None:
    source = WRAPPER.replace("eventlite_make_cache", "eventlite_after_append")
    site.install("wrappers", {"extensions": {"outer": "outer"}}, {"outer": source})
    error = caught(lambda: load_plugins(profile_with(extensions=("outer",))))
    assert "extensions:outer (wrappers 2.5) wraps eventlite_after_append" in error.message
    assert info_of("extensions", "outer").problem == str(error)


def test_every_first_party_plugin_is_available_without_a_problem() -> None:
    ours = [info for info in available() if info.distribution == "eventlite-sourcing"]
    assert {info.concern for info in ours} == set(MAKERS)
    assert [info.problem for info in ours if info.problem] == []
    assert all(info.contract == 1 and info.summary and info.version for info in ours)


def test_available_reports_and_goes_on(site: Site) -> None:
    site.cache(CACHE, module="sound", name="sound")
    site.cache("import not_there", module="broken", name="broken")
    sound, broken = info_of("caching", "sound"), info_of("caching", "broken")
    assert sound == PluginInfo("caching", "sound", "dist-of-sound", "2.5", 1, None, "A cache for tests.")
    assert (broken.contract, broken.summary) == (None, "")
    assert "not_there" in str(broken.problem)


def test_the_command_lists_every_plugin_and_the_cure_of_every_problem(site: Site) -> None:
    from eventlite.cli import cli

    site.cache("import not_there", name="broken")
    answer = CliRunner().invoke(cli, ["plugins"])
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert any(line.split()[:2] == ["storage", "sqlite"] for line in lines)
    assert any(line.split()[:2] == ["caching", "broken"] and "problem" in line for line in lines)
    assert "needs the module not_there" in answer.stderr
    assert "pip install" in answer.stderr


def test_the_command_as_json(site: Site) -> None:
    from eventlite.cli import cli

    site.cache("import not_there", name="broken")
    answer = CliRunner().invoke(cli, ["plugins", "--json"])
    listed = {(each["concern"], each["name"]): each for each in json.loads(answer.stdout)}
    assert listed["storage", "memory"]["problem"] is None
    assert "not_there" in listed["caching", "broken"]["problem"]
    assert set(listed["storage", "memory"]) == {
        "concern", "name", "distribution", "version", "contract", "problem", "summary",
    }  # fmt: skip


def test_text_of_a_plugin_is_not_obeyed_by_the_terminal(site: Site) -> None:
    from eventlite.cli import cli

    site.cache("'''Red \x1b[31m alert'''\nraise ValueError('\x1b[2J')")
    answer = CliRunner().invoke(cli, ["plugins"], color=True)
    assert "\x1b[31m" not in answer.stdout
    assert "\x1b[2J" not in answer.stderr

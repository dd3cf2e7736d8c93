"""Every module that opens a file is known, with what attacks it; a new one fails here until it is."""

import re
from pathlib import Path

from benchmarks.faults import accidents, corruptions, fuzz

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
READS = re.compile(
    r"\bopen\(|open_data\(|opened\(|files\.content\(|[^_]content\(path|content_of\(|read_bytes\("
    r"|read_text\(|json\.loads?\(|np\.load\(|Image\.open\(|ZipFile\(|frombuffer\(|safe_open\("
    r"|tensors_in\(|GzipFile\(|sidefile\.(read|parsed)|read_picture\(|read_object\(|genops\("
    r"|csv\.reader|deserialize\(|data_source\(|pickle\.load"
)

# Module -> what it is fuzzed by, and the files of attacks, here or in the folder of its room's tests.
FOREIGN = {
    "data/facts.py": ("model of config.json", "run_folders"),
    "data/fingerprint.py": ("folder of images", "image_formats"),
    "data/idx.py": ("IDX", "bombs"),
    "data/images.py": ("image", "image_formats"),
    "data/limits.py": ("npz", "bombs image_formats"),
    "data/npz.py": ("npz", "bombs"),
    "data/tfds.py": ("TFDS", "tfds_features"),
    "data/tfds_files.py": ("TFDS", "tfds_features"),
    "door/opening.py": ("model of config.json", "run_folders"),
    "export/parameters.py": ("exported model", "foreign_weights"),
    "features/graph_file.py": ("frozen graph", "foreign_weights"),
    "features/tensor_pickle.py": ("torch.save", "foreign_weights"),
    "features/torch_file.py": ("torch.save", "foreign_weights"),
    "features/weights.py": ("published weights", "foreign_weights"),
    "metrics/attributes.py": ("attributes", "kept_files"),
    "models/vgg.py": ("safetensors", "foreign_weights"),
    "reporting/outliers.py": ("outliers", "kept_files"),
    "reporting/overview.py": ("runs and compare", "kept_files"),
    "reporting/pictures.py": ("melodies", "kept_files"),
    "reporting/probes.py": ("probe.json", "kept_files"),
    "reporting/run.py": ("report", "report_page"),
    "reporting/sweep.py": ("sweep report", "kept_files"),
    "reporting/trial.py": ("sweep report", "kept_files"),
    "run/course.py": ("model of config.json", "run_folders"),
    "run/folder.py": ("config.json", "run_folders"),
    "run/record.py": ("config.json", "run_folders kept_files"),
    "storage/arrays.py": ("checkpoint manifest", "links"),
    "storage/cache.py": ("cache", "kept_files"),
    "storage/files.py": ("config.json", "links kept_files"),
    "storage/lock.py": ("process.json", "links"),
    "storage/seal.py": ("checkpoint manifest", "links kept_files"),
    "storage/sidefile.py": ("report", "kept_files"),
    "storage/tensors.py": ("published weights", "foreign_weights"),
    "storage/writer.py": ("metrics and results", "links"),
    "sweep/halving.py": ("sweep report", "kept_files"),
    "sweep/member.py": ("sweep report", "kept_files"),
    "sweep/mode.py": ("sweep report", "kept_files"),
    "sweep/process.py": ("process.json", "links"),
    "sweep/progress.py": ("sweep report", "kept_files"),
    "sweep/storage.py": ("journal", "journal"),
    "training/summary.py": ("metrics and results", "kept_files"),
    "trials/failure.py": ("runs and compare", "kept_files"),
    "trials/manifest.py": ("sweep report", "kept_files"),
    "trials/seeds.py": ("sweep report", "kept_files"),
    "trials/tail.py": ("metrics and results", "kept_files"),
    "trials/trial.py": ("sweep report", "kept_files"),
}
# What reads files of genlab's own, of the user's installation or of its own process alone.
OWN = {
    "commands/completion.py",  # config files, as they are parsed and not run
    "config/written.py",  # base.py
    "data/folksongs.py",  # the corpus of music21
    "data/melody.py",  # the same
    "metrics/seen.py",  # what the first process of a run asks for
    "process/peers.py",  # what the other processes of a run told
    "plots/beside.py",  # a run folder, by `load_run`
    "plots/spaces.py",
    "plots/vector_field.py",
    "process/streams.py",  # /dev/null
    "reporting/page.py",  # templates
    "run/sources.py",  # code that is run
    "sweep/command.py",  # a flag
    "trained/helpers.py",  # the same as metrics/seen.py
    "training/profile.py",  # the trace just made
    "writers/tensorboard.py",  # pictures just drawn
}


def reading() -> set[str]:
    """The modules of genlab that open or decode what a file holds."""
    room = ROOT / "genlab"
    return {
        str(path.relative_to(room))
        for path in room.rglob("*.py")
        if READS.search(path.read_text())
    }


def test_every_reader_is_attacked_and_fuzzed():
    assert reading() == FOREIGN.keys() | OWN, reading() ^ (FOREIGN.keys() | OWN)
    surfaces = fuzz.surfaces()
    for module, (surface, attacks) in FOREIGN.items():
        assert surface in surfaces, module
        for name in attacks.split():
            assert (HERE / f"test_{name}.py").is_file(), module


def test_experiments_open_nothing():
    for path in (ROOT / "experiments").glob("*.py"):
        assert not READS.search(path.read_text()), path.name


def test_kinds_of_damage_are_still_there():
    assert len(corruptions.DAMAGES) >= 15 and accidents.NAME == "accidents"

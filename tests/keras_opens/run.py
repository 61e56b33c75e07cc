"""Writes models with Mica and opens them with real Keras, and loads weights that real Keras saved. MICA_KERAS_PYTHON names a Python that has Keras; without it a
virtual environment is made from PyPI and thrown away. Exit status 77: not tested."""
import os
import subprocess
import sys
import tempfile

PACKAGES = ["keras==3.15.1", "jax==0.10.2", "numpy", "safetensors==0.6.2", "ml_dtypes"]
NOT_TESTED = 77


def python_with_keras(folder):
    """A Python that imports Keras, or None and why."""
    given = os.environ.get("MICA_KERAS_PYTHON")
    if given:
        return given, None
    environment = os.path.join(folder, "environment")
    python = os.path.join(environment, "bin", "python")
    try:
        subprocess.run([sys.executable, "-m", "venv", environment], check=True, capture_output=True, timeout=120)
        install = [python, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "20", *PACKAGES]
        subprocess.run(install, check=True, capture_output=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as error:
        output = getattr(error, "stderr", None) or b""
        last = output.decode(errors="replace").strip().splitlines()[-1:] or [str(error)]
        return None, last[0]
    return python, None


def main(writer, loader, files_tests, mica):
    with tempfile.TemporaryDirectory() as folder:
        models = os.path.join(folder, "models")
        os.mkdir(models)
        written = subprocess.run([writer, models]).returncode
        if written:
            return written
        python, reason = python_with_keras(folder)
        if python is None:
            print(f"NOT TESTED: no Keras from PyPI: {reason}")
            return NOT_TESTED
        scripts = os.path.dirname(os.path.abspath(__file__))
        opened = subprocess.run([python, os.path.join(scripts, "open_models.py"), models]).returncode
        names = subprocess.run([loader, "--names"], check=True, capture_output=True, text=True).stdout.split()
        subprocess.run([python, os.path.join(scripts, "save_applications.py"), models, *names], check=True)
        loaded = subprocess.run([loader, models]).returncode
        library = dict(os.environ, MICA_SAFETENSORS_PYTHON=python)
        read = subprocess.run([files_tests, "--gtest_filter=SafetensorsTest.TheLibraryReadsOurs"], env=library).returncode
        trained = os.path.join(folder, "trained")
        os.mkdir(trained)
        continued = subprocess.run([python, os.path.join(scripts, "open_checkpoint.py"), mica, trained]).returncode
        return opened or loaded or read or continued


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The server as programs meet it."""
import json

import numpy as np
import pytest
from bodies import measured

from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.demo.answering import Answering
from lvlm_var_mm.demo.limits import Limits

pytest.importorskip('gradio', reason='needs the extra `demo`')
from fastapi.testclient import TestClient  # noqa: E402

from lvlm_var_mm.demo import app as server  # noqa: E402

WAVE = measured(23)
API = '/gradio_api'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('uploads')


@pytest.fixture(scope='module')
def client(folder):
    with pytest.MonkeyPatch.context() as patch:
        for name in ('GRADIO_TEMP_DIR', 'GRADIO_ANALYTICS_ENABLED'):
            patch.setenv(name, '')  # set back afterwards
        server.prepare_gradio(folder)
        limits = Limits(megabytes=.25)
        answering = Answering(measured_answers, folder, limits,
                              lambda path: None)
        app = server.make_app(answering, limits, folder, model='tiny')
        with TestClient(app, base_url='http://127.0.0.1') as found:
            yield found


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp('clips') / 'wave.npy'
    np.save(path, WAVE)
    return path


def send(client, name, data):
    return client.post(f'{API}/upload', files={'files': (name, data)})


def ask(client, file):
    """Return the kind of the last event and its data."""
    said = client.post(f'{API}/call/answer', json=dict(data=[file]))
    if said.status_code != 200:
        return said.status_code, said.json()
    text = client.get(f'{API}/call/answer/{said.json()["event_id"]}').text
    kind, data = [line.partition(': ')[2]
                  for line in text.strip().splitlines()[-2:]]
    return kind, json.loads(data)


def as_file(path):
    return dict(path=path, meta={'_type': 'gradio.FileData'})


def test_health(client):
    said = client.get('/healthz').json()
    assert said['status'] == 'ok' and said['model'] == 'tiny'
    assert said['waiting'] == 0


def test_answer_is_that_of_the_api(client, clip):
    path, = send(client, 'wave.npy', clip.read_bytes()).json()
    kind, (said, ) = ask(client, as_file(path))
    (expected, _), = measured_answers(clip)
    assert kind == 'complete'
    assert said == json.loads(json.dumps(dict(expected, source='wave.npy')))


def test_bad_files_are_named(client):
    path, = send(client, 'bad file.npy', b'hello').json()
    kind, (said, ) = ask(client, as_file(path))
    assert kind == 'complete' and said['error'].startswith(said['name'])
    assert said['name'].startswith('bad') and path not in said['error']


def test_what_is_too_large(client, folder):
    before = {p for p in folder.rglob('*') if p.is_file()}
    assert send(client, 'a.npy', bytes(2**18 + 1)).status_code == 413
    said = send(client, 'a.npy', bytes(2**20))
    assert said.status_code == 413 and 'MB' in said.text
    # Without a length, and as JSON.
    part = (b'--x\r\nContent-Disposition: form-data; name="files"; '
            b'filename="a.npy"\r\n\r\n')
    said = client.post(
        f'{API}/upload', content=iter([part] + [bytes(2**14)] * 64),
        headers={'content-type': 'multipart/form-data; boundary=x'})
    assert said.status_code == 413
    said = client.post(f'{API}/call/answer', content=b' ' * 2**17)
    assert said.status_code == 413
    assert before == {p for p in folder.rglob('*') if p.is_file()}


@pytest.mark.parametrize('name', ['a.pkl', 'a.txt', 'a'])
def test_other_kinds_are_named(client, name):
    path, = send(client, name, b'hello').json()
    kind, (said, ) = ask(client, as_file(path))
    assert kind == 'complete' and said['error'].startswith(name + ' ')


def test_no_room(client, clip, monkeypatch):
    monkeypatch.setattr(server, 'megabytes_in', lambda folder: 1e9)
    said = send(client, 'wave.npy', clip.read_bytes())
    assert said.status_code == 503 and int(said.headers['retry-after'])


@pytest.mark.parametrize('path', [
    'http://example.invalid/a.npy', 'https://example.invalid/a.npy',
    '/etc/passwd', '../a.npy'])
def test_only_uploads_are_read(client, clip, path):
    for file in (as_file(path), dict(as_file(path), is_stream=True),
                 dict(as_file(path), url='http://example.invalid/a.npy')):
        kind, data = ask(client, file)
        assert kind == 'error' or 'error' in data[0]
        assert 'measured' not in json.dumps(data)


def test_a_file_of_this_machine_is_neither_read_nor_given_out(client, clip):
    kind, data = ask(client, as_file(str(clip)))
    assert kind == 'error' and 'measured' not in json.dumps(data)
    said = client.get(f'{API}/file={clip}')
    assert said.status_code in (403, 404)


def test_the_page_asks_for_nothing_from_elsewhere(client):
    said = client.get('/')
    policy = said.headers['content-security-policy']
    assert "default-src 'self'" in policy and 'http' not in policy
    assert 'fonts.googleapis' not in said.text
    assert 'What does this clip show?' in said.text


def test_an_address_that_is_in_use(client):
    with server.listen('127.0.0.1', 0) as one:
        one.listen()
        with pytest.raises(OSError, match='--port'):
            server.listen('127.0.0.1', one.getsockname()[1])

// Plays each card's skeleton or frames, and moves the line on its timeline.
for (const card of document.querySelectorAll('.card')) {
  const holder = card.querySelector('script[type="application/json"]');
  if (!holder) continue;
  const clip = JSON.parse(holder.textContent);
  const lines = [...card.querySelectorAll('svg [data-k]')];
  const image = card.querySelector('.stage img');
  const [button, slider, clock] =
    ['button', 'input', 'output'].map(tag => card.querySelector('.play ' + tag));
  const marks = card.querySelectorAll('.now');
  let frame = 0, timer = null;

  function show(t) {
    frame = t;
    if (image) image.src = 'data:image/jpeg;base64,' + clip.frames[t];
    for (const element of lines) {
      const [person, ...joints] = element.dataset.k.split(' ').map(Number);
      const at = joints.map(joint => clip.poses[t][person][joint]);
      const seen = at.every(point => point);
      element.style.display = seen ? '' : 'none';
      if (!seen) continue;
      if (at.length === 2) {
        element.setAttribute('x1', at[0][0]); element.setAttribute('y1', at[0][1]);
        element.setAttribute('x2', at[1][0]); element.setAttribute('y2', at[1][1]);
      } else {
        element.setAttribute('cx', at[0][0]); element.setAttribute('cy', at[0][1]);
      }
    }
    const part = clip.count > 1 ? t / (clip.count - 1) : 0;
    slider.value = t;
    clock.textContent = (part * clip.seconds).toFixed(1) + ' s';
    for (const mark of marks) mark.style.left = 'calc(' + 100 * part + '% - 1px)';
  }

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => show((frame + 1) % clip.count),
      Math.max(30, 1000 * clip.seconds / clip.count)) : null;
    button.textContent = on ? '❚❚' : '▶';
    button.setAttribute('aria-label', on ? 'pause' : 'play');
  }

  button.onclick = () => play(!timer);
  slider.oninput = () => { play(false); show(Number(slider.value)); };
  show(Math.floor(clip.count / 2));
}

// In a frame of another page: that page has a title of its own, and gives the
// frame the height it is told.
if (parent !== window) {
  document.documentElement.classList.add('framed');
  new ResizeObserver(() => parent.postMessage(
    {height: document.body.scrollHeight}, '*')).observe(document.body);
}

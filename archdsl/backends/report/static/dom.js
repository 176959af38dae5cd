'use strict';
// Makes elements. Text is only ever set as text, so nothing in a spec becomes markup.

const SVG = 'http://www.w3.org/2000/svg';
const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value);
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

/** An element of HTML: its name, attributes (`onclick` and the like are listeners), children. */
const h = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);

/** An element of SVG. */
const s = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/** Says something to those who hear the page. */
function say(words) {
  byId('said').textContent = words;
}

/** Moves a scrolling element so that one inside it can be seen: a little, or to the middle. */
function reveal(element, within) {
  const [inner, outer] = [element.getBoundingClientRect(), within.getBoundingClientRect()];
  const height = (selector) => (within.querySelector(selector) || { offsetHeight: 0 }).offsetHeight;
  const top = outer.top + height('thead');
  const bottom = outer.top + within.clientHeight - height('tfoot');
  const [above, below] = [top - inner.top, inner.bottom - bottom];
  if (above <= 0 && below <= 0) return;
  if (Math.max(above, below) < 2 * inner.height) within.scrollTop += above > 0 ? -above : below;
  else within.scrollTop += (inner.top + inner.bottom - top - bottom) / 2;
}

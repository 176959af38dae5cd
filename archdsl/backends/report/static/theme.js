// Dark, light, or as the system has it; kept where the browser lets a page keep anything.

const theme = {
  ways: ['auto', 'light', 'dark'],
  way: 'auto',

  start() {
    try {
      this.way = localStorage.getItem('archdsl-theme') || 'auto';
    } catch { // a file that may keep nothing
    }
    if (!this.ways.includes(this.way)) this.way = 'auto';
    byId('theme').addEventListener('click', () => {
      this.set(this.ways[(this.ways.indexOf(this.way) + 1) % this.ways.length]);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.told());
    this.set(this.way);
  },

  set(way) {
    this.way = way;
    document.documentElement.dataset.theme = way;
    byId('theme').textContent = `Theme: ${way}`;
    try {
      localStorage.setItem('archdsl-theme', way);
    } catch { // as above
    }
    this.told();
  },

  told() {
    document.dispatchEvent(new CustomEvent('theme'));
  },
};

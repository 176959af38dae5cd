// Numbers as people read them, with archdsl's own rules: three digits and a decimal prefix.

const whole = new Intl.NumberFormat('en');

function scaled(count, unit) {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  let step = 0;
  while (count >= 999.5 && step < prefixes.length - 1) {
    count /= 1000;
    step += 1;
  }
  const text = count >= 100 || step === 0 ? count.toFixed(0) : String(+count.toPrecision(3));
  return `${text}${unit ? ' ' : ''}${prefixes[step]}${unit}`;
}

const showCount = (count) => scaled(count, '');
const showBytes = (count) => scaled(count, 'B');
const showWhole = (count) => whole.format(count);
const plural = (count, word) => `${showWhole(count)} ${word}${count === 1 ? '' : 's'}`;

function showRatio(value, first) {
  if (value === first) return 'same';
  const ratio = value / first;
  return `${ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : showWhole(Math.round(ratio))}×`;
}

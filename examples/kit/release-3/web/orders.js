const answer = await fetch('/api/orders')
const { orders } = await answer.json()
document.getElementById('orders').textContent = orders.map(({ item }) => item).join(', ')
